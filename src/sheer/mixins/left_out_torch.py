"""What sheer leaves out of torch, Tensor, linalg and special: names flow in, reasons flow out.

The reasons are those of docs/left-out.md, word for word; a test compares the two.
"""

from __future__ import annotations

import re

# (names, why, what to take in its place); a name that sheer has is never looked up
ROWS: tuple[tuple[str, str, str], ...] = (
    (r"complex|complex\d+|cdouble|cfloat|chalf|view_as_complex|view_as_real|polar|imag|eig|eigvals",
     "every kernel, rule and derivative would need a second form",
     "sheer.fft takes and gives pairs (real part, imaginary part); linalg.eigh, linalg.svd"),
    (r"i?stft", "its spectrum is complex",
     "sheer.fft.rfft of x.unfold(0, size, step) * sheer.hann_window(size)"),
    (r"half|b?float16|float[48]\w*|uint16|uint32|uint64|u?int[1-7]",
     "the CPU backend computes in float32 and float64", "float32"),
    (r"sparse|sparse_\w+|to_sparse\w*|s+mm|[dh]smm|h?spmm|sspaddmm|saddmm|coalesce|is_coalesced"
     r"|(c?col|c?row|crow)_indices|dense_dim|to_dense",
     "tensors are dense and row-major", "index_select, scatter_add, embedding"),
    (r"quantize_\w+|quantized_\w+|fake_quantize_\w+|dequantize|q_\w+|qu?int\w+|qscheme|int_repr",
     "as for half", ""),
    (r"as_strided|as_strided_|as_strided_scatter|resize_|resize_as_|set_|storage|untyped_storage"
     r"|storage_offset|data_ptr|share_memory_|empty_strided|empty_permuted|new_empty_strided",
     "tensors are handles on immutable nodes", "reshape, expand, unfold, to(dtype)"),
    (r"(t|transpose|squeeze|unsqueeze|swapaxes|swapdims)_", "a tensor keeps its shape (E616)",
     "x = x.t()"),
    (r"(alias|as_strided|detach|diagonal|expand|permute|select|slice|split|split_with_sizes|squeeze"
     r"|t|transpose|unbind|unfold|unsqueeze|view|view_as_complex|view_as_real)_copy",
     "for exporters of torch's own graphs", "the view and .clone()"),
    (r"set_default_tensor_type",
     "what one line computes would depend on a distant other one (E170)", "dtype=, model.double()"),
    (r"apply_|map_|map2_", "Python per element", "elementwise operations, vmap"),
    (r"bessel_[jy][01]|airy_ai|(scaled_)?modified_bessel_k[01]|\w+_polynomial_\w+",
     "no training needs them; SciPy has them", "SciPy, then from_numpy"),
    (r"igammac?_?|gammaincc?", "iterations whose number depends on the values; torch has no "
     "derivative by the first argument either", "SciPy"),
    (r"geqrf|ormqr|ldl_\w+|lobpcg|svd_lowrank|pca_lowrank", "LAPACK's building blocks; random "
     "approximations for matrices larger than those trained here",
     "linalg.qr, linalg.svd, linalg.eigh"),
    (r"lu", "PyTorch itself calls it deprecated", "linalg.lu_factor"),
    (r"histogramdd|nonzero_static|segment_reduce|hash_tensor", "rare",
     "histogram, nonzero, scatter_reduce"),
    (r"rsub|slice|constant_pad_nd|grid_sampler(_[23]d)?|max_pool2d_with_indices_backward",
     "torch's own code calls them; its documentation does not name them",
     "b - a, x[1:3], nn.functional.pad, nn.functional.grid_sample"),
    (r"masked|nested|jiterator|ops|native_\w+", "prototypes, and what torch calls inside itself",
     "where, masked_fill"),
    (r"cauchy_|geometric_|log_normal_|binomial|poisson", "rare draws",
     "sheer.distributions: Cauchy, LogNormal, Binomial, Poisson"),
    (r"cuda|mps|xpu|ipu|mtia|Stream|Event|GradScaler|(\w+_)?autocast\w*",
     "the CPU is the machine (E615)", ""),
)


def of_torch(name: str) -> tuple[str, str] | None:
    """(why, what to take in its place) of a name that is left out; None for another."""
    return next(((why, instead) for names, why, instead in ROWS if re.fullmatch(names, name)), None)
