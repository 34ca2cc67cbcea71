"""Recipes: one short file per runnable task."""

from . import (
    answering,
    characters,
    cifar,
    digits,
    mnist,
    sentiment,
    synthetic_text,
    tables,
    tagging,
    translation,
    xor,
)
from .recipe import RECIPES, Outcome, Recipe, Settings, Task, make, run

__all__ = ["RECIPES", "Outcome", "Recipe", "Settings", "Task", "answering", "characters", "cifar",
           "digits", "make", "mnist", "run", "sentiment", "synthetic_text", "tables", "tagging",
           "translation", "xor"]
