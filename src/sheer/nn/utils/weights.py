"""Weights of another network: a state dict flows in; what fits by name is copied, the rest told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...graph.errors import ArgumentError
from .. import state
from ..functional.common import passes_if
from ..module import Module

_SHOWN = 20                                    # names in a printed list


@dataclass(frozen=True)
class LoadReport:
    """What `load_matching` did with every name; prints itself as a table.

    matched     names whose values were copied
    missing     names of the model that the state dict does not have: they stay as they were
    unexpected  names of the state dict that the model does not have
    misshaped   name -> what is wrong with its value; stays as it was
    """

    matched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshaped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line a name, under a line of counts."""
        rows = [*((n, "copied") for n in self.matched),
                *((n, "missing: as it was") for n in self.missing),
                *((n, "unexpected: left out") for n in self.unexpected),
                *((n, f"{why}: as it was") for n, why in self.misshaped.items())]
        width = max((len(n) for n, _ in rows[:_SHOWN]), default=0)
        lines = [f"{len(self.matched)} copied, {len(self.missing)} missing, "
                 f"{len(self.unexpected)} unexpected, {len(self.misshaped)} of another shape",
                 *(f"  {n:<{width}}: {what}" for n, what in rows[:_SHOWN])]
        return "\n".join([*lines, *([f"  and {len(rows) - _SHOWN} more"]
                                    if len(rows) > _SHOWN else [])])


def load_matching(model: Module, state_dict: Mapping[str, Any], *,
                  rename: Callable[[str], str | None] | None = None) -> LoadReport:
    """Copy the values of another network's state dict whose name and shape fit; report the rest.

    rename  the name in the model for one in the state dict; None leaves that one out
    Raises  E834 when no name fits, or two become one: nothing is copied then
    Source  definition; what transfer of layers by name needs (Yosinski et al. 2014,
            arXiv:1411.1792)
    Example
        >>> old, new = nn.Linear(4, 3), nn.Linear(4, 2)
        >>> print(nn.utils.load_matching(nn.Sequential(new), {"0.weight": new.weight}))
        1 copied, 1 missing, 0 unexpected, 0 of another shape
          0.weight: copied
          0.bias  : missing: as it was
    """
    mine = dict(state.entries(model))
    given = _renamed(state_dict, rename)
    values = {n: state.array_of(v) for n, v in given.items() if n in mine}
    wrong = {n: why for n, v in values.items() if (why := state.misfit(v, mine[n]))}
    fitting = {n: v for n, v in values.items() if n not in wrong}
    if not fitting:
        raise _nothing(model, mine, given, wrong)
    state.fill(mine, fitting)
    return LoadReport(list(fitting), [n for n in mine if n not in given],
                      [n for n in given if n not in mine], wrong)


def _renamed(given: Mapping[str, Any], rename: Callable[[str], str | None] | None,
             ) -> dict[str, Any]:
    if rename is None:
        return dict(given)
    found: dict[str, Any] = {}
    for old, value in given.items():
        new = rename(old)
        if new is None:
            continue
        if new in found:
            raise ArgumentError("E834", "load_matching", f"two values would become {new}",
                                got={"name": old}, need="a name of its own for each")
        found[new] = value
    return found


def _nothing(model: Module, mine: Mapping[str, Any], given: Mapping[str, Any],
             wrong: Mapping[str, str]) -> ArgumentError:
    names = {name: list(where)[:3] for name, where in (("model", mine), ("state dict", given))}
    got = {where: ", ".join(n) or "no names" for where, n in names.items()}
    nested = next((k for k, v in given.items() if isinstance(v, Mapping)), None)
    return ArgumentError("E834", "load_matching",
                         f"nothing in the state dict fits {type(model).__name__}",
                         got={**got, **dict(list(wrong.items())[:3])},
                         need="names that both have, with the same shape",
                         tries=[(f"state_dict[{nested!r}]", passes_if(nested is not None)),
                                ("rename=lambda name: ... to give them the model's names",
                                 passes_if(not wrong and nested is None))])
