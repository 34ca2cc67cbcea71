"""Rows of texts flow in, a table flows out: framed on a terminal, else a whole line per row."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def print_table(rows: Sequence[Sequence[str]], columns: Sequence[str] = ()) -> None:
    """Print a table. First cells, which are names, are never cut; long ones behind them fold.

    columns  headings, for the terminal only
    """
    console = Console()
    if console.is_terminal:
        console.print(_framed(rows, columns))
        return
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _framed(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> Table:
    """The table for a terminal."""
    table = Table(show_header=bool(columns))
    for number, name in enumerate(columns or ("",) * len(rows[0])):
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
