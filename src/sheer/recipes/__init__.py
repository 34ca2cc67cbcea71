"""Recipes: one short file per runnable task."""

from . import cifar, digits, forecasting, imbalance, memory, mnist, tables, xor
from .recipe import RECIPES, Outcome, Recipe, Settings, Task, make, run

__all__ = ["RECIPES", "Outcome", "Recipe", "Settings", "Task", "cifar", "digits", "forecasting",
           "imbalance", "make", "memory", "mnist", "run", "tables", "xor"]
