"""Drawing: a graph flows in, an SVG picture of its operations in layers comes out."""

from __future__ import annotations

from html import escape

from ..graph.graph import Graph
from ..graph.node import Node

WIDTH, HEIGHT, GAP_X, GAP_Y = 150, 40, 24, 34        # of a box and between boxes, in pixels
COLOURS = {"Input": "#dbeafe", "Dot": "#fde68a", "Conv": "#fde68a", "ConvInput": "#fde68a",
           "ConvWeight": "#fde68a", "Sum": "#fecaca", "Max": "#fecaca", "Scan": "#ddd6fe"}


def to_svg(graph: Graph) -> str:
    """The graph from top to bottom; constants and their repetition are left out.

    A box is an operation with the spec of its result; its tooltip is the line of Python it came
    from. Rows are longest distances from the inputs.
    """
    nodes = [n for n in graph.nodes if not _is_constant(n)]
    rank: dict[Node, int] = {}
    for node in nodes:
        rank[node] = 1 + max((rank[x] for x in node.inputs if x in rank), default=-1)
    rows: dict[int, list[Node]] = {}
    for node in nodes:
        rows.setdefault(rank[node], []).append(node)
    place = _places(rows)
    pairs = [(x, n) for n in nodes for x in dict.fromkeys(n.inputs) if x in place]
    edges = [_edge(place[x], place[n]) for x, n in pairs]
    boxes = [_box(n, *place[n], n in set(graph.outputs)) for n in nodes]
    width = max((x for x, _ in place.values()), default=0) + WIDTH + GAP_X
    height = (max(rows, default=0) + 1) * (HEIGHT + GAP_Y) + GAP_Y
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="monospace" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>', *edges, *boxes, "</svg>"])


def _is_constant(node: Node) -> bool:
    return node.prim.constant or (node.prim.view and _is_constant(node.inputs[0]))


def _places(rows: dict[int, list[Node]]) -> dict[Node, tuple[int, int]]:
    """Top left corners. Within a row, boxes stand in the order of what they read."""
    place: dict[Node, tuple[int, int]] = {}
    for rank in sorted(rows):
        centre = lambda n: sum(place[x][0] for x in n.inputs if x in place) / max(len(n.inputs), 1)
        for column, node in enumerate(sorted(rows[rank], key=centre)):
            place[node] = GAP_X + column * (WIDTH + GAP_X), GAP_Y + rank * (HEIGHT + GAP_Y)
    return place


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0, x1, y1 = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1]
    middle = (y0 + y1) // 2
    return (f'<path d="M{x0},{y0} C{x0},{middle} {x1},{middle} {x1},{y1}" fill="none" '
            'stroke="#94a3b8"/>')


def _box(node: Node, x: int, y: int, is_output: bool) -> str:
    name = type(node.prim).__name__
    colour = COLOURS.get(name, "#f1f5f9" if node.prim.view else "#dcfce7")
    border = "#111827" if is_output else "#94a3b8"
    where = f"{node.source}  {node.source.code}"
    return (f'<g><title>{escape(where)}</title>'
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
            f'rx="6" fill="{colour}" stroke="{border}"/>'
            f'<text x="{x + 8}" y="{y + 16}">{escape(name)}</text>'
            f'<text x="{x + 8}" y="{y + 31}" fill="#475569">{escape(str(node.spec))}</text></g>')
