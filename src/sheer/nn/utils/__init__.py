"""Tools around layers, with torch.nn.utils' names: sequences of several lengths."""

from ...mixins.missing import refusing as _refusing
from . import rnn
from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm","rnn"]
__getattr__ = _refusing("nn.utils", __all__)
