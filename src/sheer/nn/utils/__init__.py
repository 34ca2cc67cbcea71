"""Tools around layers, with torch.nn.utils' names: clipping, forms of weights, sizes, sequences."""

from ...mixins.missing import refusing as _refusing
from . import parametrizations, parametrize, rnn, stateless
from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from .sizes import output_size, receptive_field, window_length

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "output_size",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "receptive_field",
    "rnn",
    "stateless",
    "vector_to_parameters",
    "window_length",
]
__getattr__ = _refusing("nn.utils", __all__)
