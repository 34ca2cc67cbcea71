"""Recipes: one short file per runnable task."""

from . import (
    answering,
    captioning,
    characters,
    cifar,
    digits,
    forecasting,
    genome,
    handwriting,
    imbalance,
    memory,
    mnist,
    sentiment,
    speech,
    synthetic_text,
    tables,
    tagging,
    translation,
    voices,
    xor,
)
from .recipe import RECIPES, Interrupted, Outcome, Recipe, Settings, Task, make, run

__all__ = ["RECIPES", "Interrupted", "Outcome", "Recipe", "Settings", "Task", "answering",
           "captioning", "characters", "cifar", "digits", "forecasting", "genome", "handwriting",
           "imbalance", "make", "memory", "mnist", "run", "sentiment", "speech", "synthetic_text",
           "tables", "tagging", "translation", "voices", "xor"]
