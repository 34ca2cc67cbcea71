"""Tools around layers, with torch.nn.utils' names: sequences, functions of weights."""

from ...mixins.missing import refusing as _refusing
from . import rnn, stateless

__all__ = ["rnn", "stateless"]
__getattr__ = _refusing("nn.utils", __all__)
