"""sheer: deep learning you can see through."""

# This file is the public list.

import importlib as _importlib
import importlib.util as _util
import math as _math
from typing import Any as _Any

from . import fft, linalg, namespace, random
from .devices import accelerator, cuda, device, mps, xpu
from .graph import DType, bool_, float32, float64, int8, int16, int32, int64, uint8
from .mixins.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .mixins.missing import missing as _missing
from .namespace_creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tril_indices,
    triu_indices,
    zeros,
    zeros_like,
)
from .namespace_joining import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    cat,
    column_stack,
    combinations,
    concat,
    concatenate,
    dstack,
    einsum,
    eval,
    hstack,
    is_tensor,
    meshgrid,
    polygamma,
    row_stack,
    stack,
    vstack,
    where,
)
from .namespace_standard import (
    __array_api_version__,
    __array_namespace_info__,
    astype,
    broadcast_arrays,
    broadcast_to,
    can_cast,
    cumulative_prod,
    cumulative_sum,
    expand_dims,
    finfo,
    iinfo,
    isdtype,
    matrix_transpose,
    permute_dims,
    promote_types,
    repeat,
    reshape,
    result_type,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
    vecdot,
)
from .random import (
    Generator,
    bernoulli,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from .tensor import Tensor, as_tensor, tensor
from .transforms.checkpoint import checkpoint
from .transforms.execute import backend
from .transforms.grad import grad, jvp, value_and_grad, vjp
from .transforms.jacobian import hessian, jacfwd, jacrev
from .transforms.jit import jit
from .transforms.loop import fori_loop, scan
from .transforms.vmap import vmap

__version__ = "0.1.0"

globals().update(namespace.functions)          # abs ... xlogy: the methods as functions

# torch's names of element types, and the array API's constants
bool, float, double = bool_, float32, float64
short, int, long = int16, int32, int64
dtype, Size = DType, tuple
pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

# Rooms that are imported when first asked for, so that `import sheer` stays fast.
_ROOMS = ("data", "doctor", "explain", "handbook", "lab", "metrics", "models", "nn", "optim",
          "recipes", "serialization", "train", "utils")
_LATE = {"load": "serialization", "save": "serialization", "fit": "train"}

_MODULES = ("fft", "linalg", "random")           # the modules that torch and the array API have too

__all__ = [n for n, v in sorted(globals().items()) if not n.startswith("_") and (
    n in _MODULES or not isinstance(v, type(_math)))]


def __getattr__(name: str) -> _Any:
    """Late rooms; for anything else MissingError E190, naming the nearest thing there is."""
    if name in _LATE:
        return getattr(_importlib.import_module(f".{_LATE[name]}", __name__), name)
    if name in _ROOMS and _util.find_spec(f"{__name__}.{name}"):
        return _importlib.import_module(f".{name}", __name__)
    if name.startswith("_"):
        raise AttributeError(name)
    raise _missing("sheer", name, [*globals(), *_ROOMS, *_LATE])


def __dir__() -> list[str]:
    return sorted({n for n in globals() if not n.startswith("_")} | {*_ROOMS, *_LATE})
