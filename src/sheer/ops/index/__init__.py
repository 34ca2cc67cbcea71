"""Indexing: gather, scatter, x[key], sort."""

from .along import gather_nd, one_hot, scatter, scatter_add, take, take_along
from .gather import Gather, ScatterAdd, ScatterSet
from .keys import getitem, setitem
from .sort import Sort, argsort, sort
from .topk import TopK, topk

__all__ = ["Gather", "ScatterAdd", "ScatterSet", "Sort", "TopK", "argsort", "gather_nd",
           "getitem", "one_hot", "scatter", "scatter_add", "setitem", "sort", "take", "take_along",
           "topk"]
