"""Index expressions: loop variables flow in, simplified whole-number expressions come out.

An `Index` is `const + coefficient * atom + ...`; an atom is a loop variable, or a quotient or
remainder that could not be simplified away. Composing views (`prim.read`) with these expressions
turns reshape-permute-slice chains back into plain strides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

_REMEMBERED = 1 << 14       # quotients and remainders: the passes ask for the same again and again


@dataclass(frozen=True)
class Var:
    """A loop variable, 0 <= value < extent."""

    name: str
    extent: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.name, self.extent)))

    def __hash__(self) -> int: return self._hash  # type: ignore[attr-defined,no-any-return]
    def __str__(self) -> str: return self.name
    @property
    def bounds(self) -> tuple[int, int]: return 0, max(self.extent - 1, 0)


@dataclass(frozen=True)
class Quotient:
    """of // by, rounded down, where it does not simplify."""

    of: Index
    by: int

    def __str__(self) -> str: return f"({self.of}) // {self.by}"
    @property
    def bounds(self) -> tuple[int, int]:
        low, high = self.of.bounds
        return low // self.by, high // self.by


@dataclass(frozen=True)
class Remainder:
    """of % by, in 0 ... by - 1, where it does not simplify."""

    of: Index
    by: int

    def __str__(self) -> str: return f"({self.of}) % {self.by}"
    @property
    def bounds(self) -> tuple[int, int]: return 0, self.by - 1


Atom = Var | Quotient | Remainder


class Index:
    """A sum of atoms with whole coefficients; immutable, equal by structure."""

    __slots__ = ("_bounds", "_hash", "const", "terms")     # made by the hundred thousand

    def __init__(self, terms: Mapping[Atom, int], const: int = 0) -> None:
        self.terms = {a: c for a, c in terms.items() if c}
        self.const = const
        self._hash: int | None = None
        self._bounds: tuple[int, int] | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((frozenset(self.terms.items()), self.const))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Index) and self.const == other.const
                                 and self.terms == other.terms)

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest value it can take."""
        if self._bounds is None:
            low = high = self.const
            for atom, c in self.terms.items():
                a, b = atom.bounds
                low, high = low + min(a * c, b * c), high + max(a * c, b * c)
            self._bounds = low, high
        return self._bounds

    @property
    def variables(self) -> frozenset[Var]:
        """Every loop variable it depends on."""
        return frozenset(v for atom in self.terms for v in (
            [atom] if isinstance(atom, Var) else atom.of.variables))

    def stride(self, var: Var) -> int | None:
        """How much it grows with `var`; None when not by a fixed amount."""
        inside = any(var in a.of.variables for a in self.terms if not isinstance(a, Var))
        return None if inside else self.terms.get(var, 0)

    # ---- arithmetic -----------------------------------------------------------------------
    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return Index(self.terms, self.const + other)
        terms = dict(self.terms)
        for atom, c in other.terms.items():
            terms[atom] = terms.get(atom, 0) + c
        return _rejoin(Index(terms, self.const + other.const))

    __radd__ = __add__
    def __neg__(self) -> Index: return self * -1
    def __sub__(self, other: Index | int) -> Index: return self + (-other)
    def __rsub__(self, other: Index | int) -> Index: return -self + other

    def __mul__(self, by: int) -> Index:
        return Index({a: c * by for a, c in self.terms.items()}, self.const * by)

    __rmul__ = __mul__

    def __floordiv__(self, by: int) -> Index: return _floor(self, by)
    def __mod__(self, by: int) -> Index: return _modulo(self, by)

    def _split(self, by: int) -> tuple[Index, Index]:
        """(whole, rest) with self = by * whole + rest; rest keeps what `by` does not divide."""
        whole = {a: c // by for a, c in self.terms.items() if c % by == 0}
        rest = {a: c for a, c in self.terms.items() if c % by}
        return Index(whole, self.const // by), Index(rest, self.const % by)

    def __str__(self) -> str:
        parts = sorted(str(a) if c == 1 else f"{c}*{a}" for a, c in self.terms.items())
        return " + ".join(parts + [str(self.const)] * (self.const != 0 or not parts))

    __repr__ = __str__

    def substitute(self, new: Mapping[Var, Index]) -> Index:
        """The expression with loop variables replaced."""
        out = Index({}, self.const)
        for atom, c in self.terms.items():
            if isinstance(atom, Var):
                value = new.get(atom, Index({atom: 1}))
            elif isinstance(atom, Quotient):
                value = atom.of.substitute(new) // atom.by
            else:
                value = atom.of.substitute(new) % atom.by
            out = out + value * c
        return out


def variable(name: str, extent: int) -> Index:
    """A fresh loop variable as an expression; the number 0 when it can only be 0."""
    return Index({Var(name, extent): 1}) if extent != 1 else Index({})


def as_index(value: Index | int) -> Index:
    """An expression, from one or from a number."""
    return value if isinstance(value, Index) else Index({}, value)


@lru_cache(maxsize=_REMEMBERED)
def _floor(x: Index, by: int) -> Index:
    whole, rest = x._split(by)
    return whole + _quotient(rest, by)


@lru_cache(maxsize=_REMEMBERED)
def _modulo(x: Index, by: int) -> Index:
    return _remainder(x._split(by)[1], by)


def _quotient(rest: Index, by: int) -> Index:
    """rest // by, where `by` divides none of rest's coefficients."""
    low, high = rest.bounds
    if low // by == high // by:
        return Index({}, low // by)
    for g, coarse, _ in _grains(rest, by):      # floor((g a + r) / (g k)) = floor(a / k), r < g
        return coarse // (by // g)
    (atom, c), *more = rest.terms.items()
    if not more and c == 1 and rest.const == 0 and isinstance(atom, Quotient):
        return atom.of // (atom.by * by)
    return Index({Quotient(rest, by): 1})


def _remainder(rest: Index, by: int) -> Index:
    """rest % by."""
    low, high = rest.bounds
    if low // by == high // by:
        return rest - low // by * by
    opened = Index({}, rest.const)
    for atom, c in rest.terms.items():      # (x % (k m)) % k = x % k
        inner = isinstance(atom, Remainder) and atom.by % by == 0
        opened = opened + (atom.of * c if inner else Index({atom: c}))  # type: ignore[union-attr]
    if opened != rest:
        return opened % by
    for g, coarse, fine in _grains(rest, by):
        return coarse % (by // g) * g + fine
    return Index({Remainder(rest, by): 1})


def _grains(x: Index, by: int) -> Iterator[tuple[int, Index, Index]]:
    """(g, coarse, fine) with x = g coarse + fine, 0 <= fine < g and g > 1 a divisor of `by`."""
    for g in sorted({gcd(by, c) for c in x.terms.values()}, reverse=True):
        fine = Index({a: c for a, c in x.terms.items() if c % g}, x.const % g)
        low, high = fine.bounds
        if g > 1 and low >= 0 and high < g:
            coarse = Index({a: c // g for a, c in x.terms.items() if c % g == 0}, x.const // g)
            yield g, coarse, fine


def _rejoin(x: Index) -> Index:
    """k * (e // k) + e % k = e: what a reshape takes apart, the next one puts together."""
    for atom, c in x.terms.items():
        if isinstance(atom, Remainder):
            for quotient in _single(atom.of // atom.by):
                if x.terms.get(quotient) == c * atom.by:
                    rest = {a: d for a, d in x.terms.items() if a not in (atom, quotient)}
                    return Index(rest, x.const) + atom.of * c
    return x


def _single(x: Index) -> Iterator[Atom]:
    """The atom, if the expression is nothing else."""
    if x.const == 0 and list(x.terms.values()) == [1]:
        yield from x.terms
