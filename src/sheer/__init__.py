"""sheer: deep learning you can see through."""

# This file is the public list.

import importlib as _importlib
import importlib.util as _util
import math as _math
from typing import Any as _Any

from . import fft, linalg, namespace, random, signal, special
from .devices import accelerator, cuda, device, mps, xpu
from .graph import DType, bool_, float32, float64, int8, int16, int32, int64, uint8
from .linalg_factors import lu_unpack
from .mixins.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .mixins.missing import missing as _missing
from .namespace_calculus import (
    cdist,
    chain_matmul,
    cumulative_trapezoid,
    gradient,
    trapezoid,
    trapz,
    unravel_index,
    vander,
)
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
    real,
    row_stack,
    stack,
    vstack,
    where,
)
from .namespace_settings import (
    are_deterministic_algorithms_enabled,
    get_default_device,
    get_default_dtype,
    get_float32_matmul_precision,
    get_num_threads,
    set_default_device,
    set_default_dtype,
    set_float32_matmul_precision,
    set_num_threads,
    use_deterministic_algorithms,
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
from .windows import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    kaiser_window,
)

__version__ = "0.1.0"

globals().update(namespace.functions)          # abs ... xlogy: the methods as functions

# torch's names of element types, and the array API's constants
bool, float, double = bool_, float32, float64
short, int, long = int16, int32, int64
dtype, Size = DType, tuple
# torch's memory formats and layout: accepted, with no effect, because tensors are row-major
contiguous_format, preserve_format = "contiguous_format", "preserve_format"
channels_last, channels_last_3d, strided = "channels_last", "channels_last_3d", "strided"
pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

# Rooms that are imported when first asked for, so that `import sheer` stays fast.
_ROOMS = ("autograd", "data", "distributions", "doctor", "explain", "handbook", "lab", "metrics",
          "models", "nn", "onnx", "optim", "recipes", "serialization", "sklearn", "static", "train",
          "utils")
_LAYERS = """
selu celu rrelu prelu dropout alpha_dropout feature_alpha_dropout threshold bilinear
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d layer_norm group_norm
rms_norm max_pool1d max_pool2d max_pool3d avg_pool1d adaptive_avg_pool1d adaptive_max_pool1d
pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle cosine_similarity
pairwise_distance pdist hinge_embedding_loss margin_ranking_loss triplet_margin_loss
cosine_embedding_loss kl_div poisson_nll_loss binary_cross_entropy_with_logits ctc_loss
""".split()  # noqa: SIM905 (functions of nn.functional that torch has under its own name too)
_LATE = {**dict.fromkeys(_LAYERS, "nn.functional"), "embedding": "namespace_layers",
         "load": "serialization", "save": "serialization", "fit": "train"}

# The modules that torch and the array API have too.
_MODULES = ("fft", "linalg", "random", "signal", "special")

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
