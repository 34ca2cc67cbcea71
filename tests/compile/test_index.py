"""Index expressions against Python's own arithmetic."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sheer.compile.indexing.index import Index, Quotient, Var, as_index, variable

EXTENTS = {"i": 4, "j": 6, "k": 5}


def value(x: Index, at: dict[str, int]) -> int:
    """The number an expression stands for."""
    total = x.const
    for atom, c in x.terms.items():
        if isinstance(atom, Var):
            total += c * at[atom.name]
        else:
            quotient, rest = divmod(value(atom.of, at), atom.by)
            total += c * (quotient if isinstance(atom, Quotient) else rest)
    return total


@given(data=st.data())
def test_simplification_keeps_every_value(data):
    x, python = as_index(0), "0"
    number = st.integers(-7, 13)
    for _ in range(data.draw(st.integers(1, 7))):
        step = data.draw(st.sampled_from(["add", "addvar", "mul", "div", "mod", "sub"]))
        if step == "addvar":
            name = data.draw(st.sampled_from(sorted(EXTENTS)))
            c = data.draw(number)
            x, python = x + variable(name, EXTENTS[name]) * c, f"({python} + {name} * {c})"
        elif step in ("add", "sub", "mul"):
            c = data.draw(number)
            sign = {"add": "+", "sub": "-", "mul": "*"}[step]
            x = x + c if step == "add" else x - c if step == "sub" else x * c
            python = f"({python} {sign} {c})"
        else:
            c = data.draw(st.integers(1, 12))
            x, python = (x // c, f"({python} // {c})") if step == "div" else (
                x % c, f"({python} % {c})")
    for point in itertools.product(*(range(n) for n in EXTENTS.values())):
        at = dict(zip(EXTENTS, point, strict=True))
        found = value(x, at)
        assert found == eval(python, {}, dict(at))
        assert x.bounds[0] <= found <= x.bounds[1]


def test_what_one_reshape_takes_apart_the_next_puts_together():
    i, j = variable("i", 4), variable("j", 6)
    flat = i * 6 + j
    a, b = flat // 8, flat % 8
    assert a * 8 + b == flat
    assert (flat // 6, flat % 6) == (i, j)
    assert str(a) == "(6*i + j) // 8"
