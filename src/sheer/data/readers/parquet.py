"""A Parquet file goes in; its columns come out as arrays, whole or some rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE, missing

BLOCK = 512        # rows that are turned at a time: their columns and rows stay in the cache
LINE = 16          # float32 of a cache line: columns 2^k bytes apart would push each other out


def open_parquet(path: Path) -> Any:
    """The file as pyarrow opens it, nothing but its footer read.

    Raises  E637 without pyarrow; E801, E802 for a missing or empty file; E804 for another format
    """
    pa = _arrow(path)
    try:
        if not path.stat().st_size:
            raise DataError("E802", f"{path.name} is empty", path, expected="data",
                            found="0 bytes", fix=REPLACE)
        return import_module("pyarrow.parquet").ParquetFile(path)
    except FileNotFoundError:
        raise missing(path, "no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise not_parquet(path, error) from error


def read_parquet(path: Path) -> dict[str, NDArray[Any]]:
    """Every column: numbers as they are, NaN where null; texts with "" where null.

    Raises  as `open_parquet`; E804 for a column of another kind
    """
    file, pa = open_parquet(path), _arrow(path)
    try:
        table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise not_parquet(path, error) from error
    return {name: column_array(path, name, table.column(name)) for name in table.column_names}


def read_group(path: Path, group: int, features: Sequence[str], target: str,
               before: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """The rows of one row group: features float32 (n, d), target int64 or float32 (n,).

    Params  before  rows of the file before this group, for error texts
    Raises  E804 when it is damaged; E807 for a column that is no number, or a missing value
    """
    file, pa = open_parquet(path), _arrow(path)
    try:
        table = file.read_row_group(group, [*features, target], use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise not_parquet(path, error) from error
    columns = np.empty((len(features), table.num_rows + LINE), np.float32)[:, :table.num_rows]
    for i, name in enumerate(features):
        columns[i] = _numbers(path, name, table.column(name), before)
    x = np.empty(columns.T.shape, np.float32)
    for i in range(0, len(x), BLOCK):
        x[i:i + BLOCK] = columns[:, i:i + BLOCK].T
    y = _numbers(path, target, table.column(target), before)
    return x, y.astype(np.int64 if y.dtype.kind in "iub" else np.float32)


def _numbers(path: Path, name: str, column: Any, before: int) -> NDArray[Any]:
    """A column of numbers without a missing one."""
    values = column_array(path, name, column)
    if values.dtype.kind not in "iubf":
        raise DataError("E807", f"{path.name}: column {name} is not a number", path,
                        expected="numbers", found="texts", fix="encode it, or leave it out")
    finite = np.isfinite(values)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise DataError("E807", f"{path.name}: column {name} has a value that is no number", path,
                        before + int(bad[0]) + 1, expected="finite numbers",
                        found="a missing value, NaN or infinity",
                        fix="fill or drop such rows before writing the file")
    return values


def column_array(path: Path, name: str, column: Any) -> NDArray[Any]:
    """One column of pyarrow as an array."""
    pa = _arrow(path)
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if column.null_count:
            return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
        return np.asarray(column.to_numpy())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array([cell or "" for cell in column.to_pylist()], np.str_)
    raise DataError("E804", f"{path.name}: column {name} is of a kind that is not read", path,
                    expected="numbers or texts", found=str(kind), fix="leave the column out")


def _arrow(path: Path) -> Any:
    """The package pyarrow, an extra."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("E637", f"{path.name} needs pyarrow", path, expected="the package pyarrow",
                        found="no such package", fix='pip install "sheer[parquet]"') from error
    return pyarrow


def not_parquet(path: Path, error: Exception) -> DataError:
    """What pyarrow refused."""
    return DataError("E804", f"{path.name} is not a whole Parquet file", path,
                     expected="a file that begins and ends in PAR1",
                     found=str(error).splitlines()[0][:200], fix=REPLACE)
