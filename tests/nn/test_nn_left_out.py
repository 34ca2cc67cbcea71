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
