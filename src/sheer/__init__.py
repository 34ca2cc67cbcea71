"""sheer: deep learning you can see through."""

from .graph import DType, bool_, float32, float64, int8, int16, int32, int64, uint8
from .mixins.core import enable_grad, is_grad_enabled, no_grad
from .tensor import Tensor, as_tensor, tensor
from .transforms.checkpoint import checkpoint
from .transforms.execute import backend
from .transforms.grad import grad, jvp, value_and_grad, vjp
from .transforms.jit import jit
from .transforms.loop import fori_loop, scan
from .transforms.vmap import vmap

__version__ = "0.1.0"
