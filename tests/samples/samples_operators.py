"""The operators of torch's sample database under the names that sheer shares: cases come out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial
from typing import Any

import torch
from samples_bridge import counterpart
from samples_run import Call
from samples_tables import FINISH, LOOSE, RANDOM, TIES
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo

import sheer

# What makes an input symmetric, triangular, ...: torch itself differentiates through it.
_PLAIN = next(f.default_factory() if f.default is MISSING else f.default
              for f in fields(OpInfo) if f.name == "gradcheck_wrapper")


@dataclass(frozen=True)
class Case:
    """One entry of the database: an operator, perhaps with a variant ("norm nuc")."""

    info: Any

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def label(self) -> str:
        return f"{self.info.name} {self.info.variant_test_name}".strip()

    def dtypes(self) -> list[torch.dtype]:
        """Those of sheer's dtypes that the operator takes, the one to differentiate first."""
        return [d for d in (torch.float64, torch.float32, torch.int64, torch.bool)
                if d in self.info.dtypes]

    def calls(self, dtype: torch.dtype, limit: int | None) -> Iterator[Call]:
        """The samples of a dtype, the first `limit` of them; the first one also as a method and as
        an in-place method, where sheer has these."""
        torch.manual_seed(0)
        gradient = dtype == torch.float64 and self.info.supports_autograd
        drawn = self.info.sample_inputs("cpu", dtype, requires_grad=gradient)
        for n, sample in enumerate(itertools.islice(drawn, limit)):
            call = self._call(sample, dtype)
            wrapped = gradient and self.info.gradcheck_wrapper is not _PLAIN
            yield replace(call, theirs=partial(self.info.gradcheck_wrapper, call.theirs),
                          ours=None) if wrapped else call
            if n == 0 and isinstance(sample.input, torch.Tensor):
                yield from self._methods(call)

    def _call(self, sample: Any, dtype: torch.dtype) -> Call:
        loose = LOOSE.get(self.name, 1.0) if dtype == torch.float32 else 1.0
        finish = FINISH.get(self.name, sample.output_process_fn_grad)
        if self.name in TIES and not dtype.is_floating_point:
            finish = _values
        kwargs = {k: v for k, v in sample.kwargs.items() if v is not torch.strided}
        return Call(self.info.op, self.ours(), (sample.input, *sample.args), kwargs,
                    self.name in RANDOM or _drops(self.name, sample), finish, loose)

    def _methods(self, call: Call) -> Iterator[Call]:
        own = lambda t: t.clone() if hasattr(t, "clone") else t
        for found in (self.info.method_variant, self.info.inplace_variant):
            name = getattr(found, "__name__", "")
            mine = getattr(sheer.Tensor, name, None) if name.isidentifier() else None
            if callable(mine):
                yield replace(call, theirs=lambda x, *a, f=found, **k: f(own(x), *a, **k),
                              ours=lambda x, *a, f=mine, **k: f(own(x), *a, **k))

    def ours(self) -> Any:
        """sheer's function of that name; torch's own wrapper over sheer where it has one."""
        direct = _torch(self.name)
        if self.info.op is direct or self.name.startswith("__"):
            return _sheer(self.name)
        return None


def _values(out: Any) -> Any:
    """The values alone: which of several equal elements was taken is nobody's promise."""
    return out[0] if isinstance(out, tuple) else torch.zeros_like(out)


def _drops(name: str, sample: Any) -> bool:
    """Does the sample ask for dropout of a part?"""
    try:
        signature = inspect.signature(_torch(name))
        given = signature.bind(sample.input, *sample.args, **sample.kwargs).arguments
    except (TypeError, ValueError):                 # a builtin: its options have names in samples
        given = sample.kwargs
    return bool(given.get("training", True)) and 0 < (given.get("dropout_p") or 0) < 1


def _torch(name: str) -> Any:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _sheer(name: str) -> Any:
    """The function, or the method of Tensor."""
    try:
        return counterpart(name)
    except AttributeError:
        if "." in name or not hasattr(sheer.Tensor, name):
            raise
        return getattr(sheer.Tensor, name)


def shared(name: str) -> bool:
    """Does sheer have the name?"""
    try:
        _sheer(name)
    except (AttributeError, NotImplementedError):
        return False
    return True


CASES = [Case(info) for info in op_db]
SHARED = [case for case in CASES if shared(case.name)]
NAMES = sorted({case.name for case in CASES})
