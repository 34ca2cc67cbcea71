"""Every public name of torch's modules is here, or left out with a reason that a page gives."""

from __future__ import annotations

import importlib
import re
import types
import typing
from pathlib import Path

import pytest

import sheer
from sheer.graph.errors import MissingError
from sheer.mixins.left_out import LEFT_OUT
from sheer.mixins.left_out_torch import ROWS, of_torch

# in the last table's first column, but no names that are left out: parts, beginnings, exceptions
NO_NAMES = {"mm", "special", "uint8", "_", "native_"}
PAGE = (Path(__file__).parents[2] / "docs/left-out.md").read_text(encoding="utf-8")
# what torch's modules import for themselves, and notes for their docstrings
THEIRS = {"torch", "torchgen", "Tensor", "Module", "Parameter", "ModuleList", "ModuleDict", "F",
          "auto", "bind", "tf32_notes", "reproducibility_notes", "sparse_support_notes", "DType",
          "BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "PackedSequence_",
          "GRID_SAMPLE_INTERPOLATION_MODES", "GRID_SAMPLE_PADDING_MODES", "PARAM_LIST",
          "copy_method_params", "LRScheduler", "Optimizer", "OpaqueBase", "get_swap_module_params_"
          "on_conversion", "is_opaque_reference_type", "is_traceable_wrapper_subclass",
          "EPOCH_DEPRECATION_WARNING", "swap_in_optimizer_params_and_state", "wraps", "partial",
          "contextmanager", "deepcopy", "Counter", "bisect_right", "ref", "Enum", "parametrize",
          "pack_padded_sequence", "inf", "override", "clip_grad", "convert_parameters", "fusion",
          "init", "math", "cast", "annotations", "Callable", "Iterable", "Sequence", "Self"}
MODULES = ["nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrize",
           "nn.utils.parametrizations", "optim", "optim.lr_scheduler", "optim.swa_utils"]


def public(name: str) -> list[str]:
    """The names of a module of torch that are its own."""
    module = importlib.import_module(f"torch.{name}")
    found = []
    for n in dir(module):
        value = getattr(module, n)
        from_typing = getattr(value, "__module__", "") in ("typing", "collections.abc",
                                                           "typing_extensions")
        plain = isinstance(value, types.ModuleType) and not value.__name__.startswith("torch.")
        a_note = isinstance(value, typing._SpecialForm | bool)  # type: ignore[attr-defined]
        if not (n.startswith("_") or n in THEIRS or from_typing or plain or a_note):
            found.append(n)
    return found


@pytest.mark.parametrize("name", MODULES)
def test_every_name_is_here_or_left_out_with_a_reason(name: str) -> None:
    ours, reasons = importlib.import_module(f"sheer.{name}"), LEFT_OUT.get(name, {})
    names = public(name)
    assert [n for n in names if n not in vars(ours) and n not in reasons] == []
    assert [n for n in reasons if n in getattr(ours, "__all__", ())] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_the_page_lists_them_all(name: str) -> None:
    listed = set(re.findall(r"`(\w+)`", PAGE))
    assert set(LEFT_OUT[name]) <= listed


def test_every_name_that_autograd_exports_is_here_or_left_out() -> None:
    theirs = importlib.import_module("torch.autograd").__all__
    assert [n for n in theirs if n not in sheer.autograd.__all__
            and n not in LEFT_OUT["autograd"]] == []


def test_the_error_says_why_and_names_the_nearest_thing() -> None:
    with pytest.raises(MissingError) as caught:
        sheer.nn.DataParallel  # noqa: B018
    assert str(caught.value) == """\
nn: DataParallel is left out: one program uses all cores of one machine
  need : docs/left-out.md lists what is left out, and why
  try  : the module itself, under sheer.jit or fit
  more : sheer explain E190"""
    with pytest.raises(AttributeError, match=r"optim\.Adam"):
        sheer.optim.SparseAdam  # noqa: B018
    assert not hasattr(sheer.nn, "SyncBatchNorm")


def of_the_last_table() -> list[tuple[str, str]]:
    """(name, line) of every name in the first column of "torch and torch.Tensor"."""
    lines = [line for line in PAGE.partition("## torch and torch.Tensor")[2].splitlines()
             if line.startswith("| ") and not line.startswith("| left out")]
    return [(name.rpartition(".")[2], line) for line in lines
            for name in re.findall(r"`([\w.]+)`", line.split(" | ")[0])
            if name.rpartition(".")[2] not in NO_NAMES]


@pytest.mark.parametrize(("name", "line"), of_the_last_table())
def test_the_lookup_gives_the_reason_that_the_page_gives(name: str, line: str) -> None:
    found = of_torch(name)
    assert found is not None
    assert found[0] in line.replace("`", "")
    assert found[1] in line.replace("`", "")


@pytest.mark.parametrize("why", [why for _, why, _ in ROWS])
def test_every_reason_is_on_the_page(why: str) -> None:
    assert why in PAGE.replace("`", "")


@pytest.mark.parametrize("name", ["storage", "sparse", "lobpcg", "complex64", "stft", "rsub"])
def test_torch_itself_says_why(name: str) -> None:
    with pytest.raises(MissingError, match=f"sheer: {name} is left out: "):
        getattr(sheer, name)


def test_tensors_and_parameters_say_why() -> None:
    with pytest.raises(MissingError) as caught:
        sheer.ones(2).geometric_(0.5)
    assert str(caught.value) == """\
Tensor: geometric_ is left out: rare draws
  need : docs/left-out.md lists what is left out, and why
  try  : sheer.distributions: Cauchy, LogNormal, Binomial, Poisson
  more : sheer explain E190"""
    with pytest.raises(MissingError, match="Parameter: storage is left out"):
        sheer.nn.Parameter(sheer.ones(2)).storage()
    with pytest.raises(MissingError, match="linalg: eig is left out"):
        sheer.linalg.eig(sheer.ones(2, 2))
