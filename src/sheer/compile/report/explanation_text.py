"""The table of an explanation: rows flow in; plain columns, or a table of rich, come out."""

from __future__ import annotations

from typing import Any

from .explanation import Explanation, Row, duration, scaled

HEAD = ("kernel", "operations", "result", "times", "threads", "FLOP", "bytes", "time", "part",
        "speed", "roofline", "from")
_RIGHT = {"times", "threads", "FLOP", "bytes", "time", "part", "speed"}
_WIDE = {"operations": 52, "result": 30, "from": 36}       # columns are shortened to so much


def plain(explanation: Explanation) -> str:
    """Columns of text and the summary below."""
    rows = [HEAD, *(tuple(_shortened(h, c) for h, c in zip(HEAD, cells(r), strict=True))
                    for r in explanation.rows)]
    used = [i for i in range(len(HEAD)) if any(r[i] for r in rows[1:])]
    widths = {i: max(len(r[i]) for r in rows) for i in used}
    place = lambda r, i: (r[i].rjust if HEAD[i] in _RIGHT else r[i].ljust)(widths[i])
    lines = ["  ".join(place(r, i) for i in used).rstrip() for r in rows]
    return "\n".join([*lines, explanation.summary()])


def rich_table(explanation: Explanation) -> Any:
    """The same for a terminal: what takes long and what is far from the roofline stands out."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text
    table = Table(box=None, header_style="bold", pad_edge=False, row_styles=["", "on grey7"])
    for name in HEAD:
        table.add_column(name, justify="right" if name in _RIGHT else "left",
                         overflow="fold" if name in _WIDE else "ellipsis",
                         no_wrap=name not in _WIDE)
    for row in explanation.rows:
        texts = [Text(c) for c in cells(row)]
        texts[0].stylize(_COLOURS.get(row.kind, ""))
        texts[8].stylize("bold" if (row.of or 0) > 0.1 else "dim")
        texts[10].stylize(_colour_of(row.share))
        table.add_row(*texts)
    return Group(table, Text(explanation.summary(), style="bold"))


_COLOURS = {"contract": "yellow", "rows": "cyan", "map": "green", "index": "magenta",
            "loop": "bold blue", "host": "bold red"}


def cells(row: Row) -> tuple[str, ...]:
    """What stands in the columns of a row."""
    timed = row.seconds is not None
    share = "" if row.share is None else f"{row.share:4.0%} {row.bound}"
    return (f"{'  ' * row.depth}{row.number} {row.kind}", " ".join(row.operations),
            " ".join(row.shapes), f"{row.times:,}", str(row.threads), scaled(row.flops),
            scaled(row.bytes), duration(row.seconds) if timed and row.seconds else "",
            "" if row.of is None else f"{row.of:.1%}", _speed(row), share,
            " ".join([*row.layers, *row.lines]))


def _speed(row: Row) -> str:
    """GFLOP/s where computing sets the pace, GB/s where memory does."""
    if not row.seconds or row.kind in ("loop", "host"):
        return ""
    if row.bound in ("compute", ""):
        return f"{row.flops / row.seconds / 1e9:.3g} GFLOP/s"
    return f"{row.bytes / row.seconds / 1e9:.3g} GB/s"


def _colour_of(share: float | None) -> str:
    if share is None:
        return ""
    return "green" if share > 0.6 else "yellow" if share > 0.25 else "red"


def _shortened(head: str, text: str) -> str:
    limit = _WIDE.get(head, 10**9)
    return text if len(text) <= limit else text[:limit - 3] + "..."
