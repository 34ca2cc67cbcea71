"""The primitives, one file per family, and the functions made from them; all work on nodes."""

from . import (
    batching,
    blocks,
    call,
    contract,
    elementwise,
    host,
    index,
    lift,
    loop,
    movement,
    pooling,
    random,
    reduce,
    structure,
    walk,
    window,
)
from .contract import *
from .elementwise import *
from .host import (
    Cholesky,
    Cofactor,
    Det,
    Eigh,
    Fft,
    Inverse,
    Pinv,
    Qr,
    SlogDet,
    Solve,
    Svd,
    TriangularSolve,
)
from .index import *
from .movement import *
from .pooling import *
from .primitive import REGISTRY, Primitive
from .random import FoldIn, Permutation, Uniform
from .reduce import *
from .structure import *
from .window import *
