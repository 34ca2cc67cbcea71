"""The graph room: nodes, graphs, dtypes, errors. Plain data that prints itself."""

from .dtypes import (
    DTYPES,
    FLOATS,
    INTS,
    DType,
    bool_,
    dtype_of,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    promote,
    uint8,
)
from .errors import (
    ArgumentError,
    BoundsError,
    DataError,
    DTypeError,
    MemoryLimitError,
    MissingError,
    NumericError,
    ShapeError,
    SheerError,
    SheerWarning,
    StateError,
)
from .graph import Graph, substitute, users
from .interpret import interpret
from .node import Buffer, Node, Spec, fresh, make, topological
from .printer import from_text, to_text
from .source import Source
from .verify import verify

__all__ = [
    "DTYPES",
    "FLOATS",
    "INTS",
    "ArgumentError",
    "BoundsError",
    "Buffer",
    "DType",
    "DTypeError",
    "DataError",
    "Graph",
    "MemoryLimitError",
    "MissingError",
    "Node",
    "NumericError",
    "ShapeError",
    "SheerError",
    "SheerWarning",
    "Source",
    "Spec",
    "StateError",
    "bool_",
    "dtype_of",
    "float32",
    "float64",
    "fresh",
    "from_text",
    "int8",
    "int16",
    "int32",
    "int64",
    "interpret",
    "make",
    "promote",
    "substitute",
    "to_text",
    "topological",
    "uint8",
    "users",
    "verify",
]
