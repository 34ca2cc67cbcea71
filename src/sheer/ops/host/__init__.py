"""Operations that run on the host, through NumPy: Fourier transforms and linear algebra."""

from .decompose import Cholesky, Eigh, Qr, Svd, cholesky, eigh, eigvalsh, qr, svd, svdvals
from .determinant import Cofactor, Det, SlogDet, det, slogdet
from .fft import Fft, fft, fft2, fftn, ifft, ifft2, ifftn, irfft, rfft
from .linalg import (
    Inverse,
    Pinv,
    Solve,
    TriangularSolve,
    inv,
    lstsq,
    pinv,
    solve,
    triangular_solve,
)
from .matrix import (
    cross,
    diagonal,
    matrix_norm,
    matrix_power,
    matrix_rank,
    norm,
    outer,
    trace,
    vector_norm,
)

__all__ = [
    "Cholesky", "Cofactor", "Det", "Eigh", "Fft", "Inverse", "Pinv", "Qr", "SlogDet", "Solve",
    "Svd", "TriangularSolve", "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh",
    "fft", "fft2", "fftn", "ifft", "ifft2", "ifftn", "inv", "irfft", "lstsq", "matrix_norm",
    "matrix_power", "matrix_rank", "norm", "outer", "pinv", "qr", "rfft", "slogdet", "solve",
    "svd", "svdvals", "trace", "triangular_solve", "vector_norm",
]
