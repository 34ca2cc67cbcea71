"""The modules of torch's sample database under the names that sheer.nn shares: calls come out."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from samples_bridge import DTYPES, Bridge
from samples_run import Call
from torch.testing._internal.common_modules import module_db

import sheer

_DRAWS = (torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d,
          torch.nn.AlphaDropout, torch.nn.FeatureAlphaDropout, torch.nn.RReLU)


@dataclass(frozen=True)
class ModuleCase:
    """One entry of the database."""

    info: Any

    @property
    def name(self) -> str:
        return self.info.module_cls.__name__

    @property
    def label(self) -> str:
        return f"nn.{self.name}"

    def dtypes(self) -> list[torch.dtype]:
        """The one to differentiate first."""
        return [d for d in (torch.float64, torch.float32) if d in self.info.dtypes]

    def calls(self, dtype: torch.dtype, limit: int | None) -> Iterator[Call]:
        """The samples of a dtype, for training and for use, the first `limit` of each."""
        for training in (True, False):
            torch.manual_seed(0)
            drawn = self.info.module_inputs_func(self.info, "cpu", dtype, dtype == torch.float64,
                                                 training)
            for sample in itertools.islice(drawn, limit):
                yield self._call(sample, dtype, training)

    def _call(self, sample: Any, dtype: torch.dtype, training: bool) -> Call:
        given, fed = sample.constructor_input, sample.forward_input
        theirs = self.info.module_cls(*given.args, **given.kwargs).to(dtype).train(training)
        weights: list[tuple[torch.Tensor, sheer.Tensor]] = []
        state = copy.deepcopy(theirs.state_dict())
        def ours(*args: Any, **kwargs: Any) -> Any:
            """Built late, so that a refusal to build it counts as one."""
            module = _module(self.name, given, dtype, state).train(training)
            mine = dict(module.named_parameters())
            weights.extend((p, mine[n]) for n, p in theirs.named_parameters())
            return module(*args, **kwargs)
        random = training and any(isinstance(m, _DRAWS) for m in theirs.modules())
        return Call(theirs, ours, fed.args, fed.kwargs, random, weights=weights)


def _module(name: str, given: Any, dtype: torch.dtype, state: Any) -> Any:
    """sheer's module with the same settings and the same weights."""
    bridge = Bridge()
    made = getattr(sheer.nn, name)(*bridge.over(given.args), **bridge.over(given.kwargs))
    made = made.to(DTYPES[dtype])
    made.load_state_dict({k: Bridge().over(v) for k, v in state.items()})
    return made


def shared(name: str) -> bool:
    """Does sheer.nn have the name?"""
    return name in sheer.nn.__all__ if hasattr(sheer.nn, "__all__") else name in dir(sheer.nn)


MODULES = [ModuleCase(info) for info in module_db]
SHARED_MODULES = [case for case in MODULES if shared(case.name)]
