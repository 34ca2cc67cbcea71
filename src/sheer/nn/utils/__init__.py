"""Tools around layers, with torch.nn.utils' names: sequences of several lengths."""

from ...mixins.missing import refusing as _refusing
from . import rnn

__all__ = ["rnn"]
__getattr__ = _refusing("nn.utils", __all__)
