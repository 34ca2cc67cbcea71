"""Recipes: one short file per runnable task."""

from . import (
    cifar,
    digits,
    forecasting,
    genome,
    imbalance,
    memory,
    mnist,
    speech,
    tables,
    voices,
    xor,
)
from .recipe import RECIPES, Outcome, Recipe, Settings, Task, make, run

__all__ = ["RECIPES", "Outcome", "Recipe", "Settings", "Task", "cifar", "digits", "forecasting",
           "genome", "imbalance", "make", "memory", "mnist", "run", "speech",
           "tables", "voices", "xor"]
