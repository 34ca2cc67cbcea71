"""Raw columns go in; numbers a network likes come out, by rules fitted on train only."""

from .rules import Impute, OneHot, Standardise, TableEncoder

__all__ = ["Impute", "OneHot", "Standardise", "TableEncoder"]
