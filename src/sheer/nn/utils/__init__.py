"""Tools around layers, with torch.nn.utils' names: sequences of several lengths; weights."""

from ...mixins.missing import refusing as _refusing
from . import rnn
from .weights import LoadReport, load_matching

__all__ = ["LoadReport", "load_matching", "rnn"]
__getattr__ = _refusing("nn.utils", __all__)
