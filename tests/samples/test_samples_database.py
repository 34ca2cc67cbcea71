"""Every name that sheer shares with PyTorch's sample database, run through both libraries."""

from __future__ import annotations

import warnings

import pytest
import torch
from samples_modules import SHARED_MODULES
from samples_operators import SHARED
from samples_optimizers import SHARED_OPTIMIZERS
from samples_run import run
from samples_score import FAMILIES, PAGE, known, page, score, verdicts

import sheer

EVERY = [*SHARED, *SHARED_MODULES, *SHARED_OPTIMIZERS]
GROUPS = 12                                     # of names: one test each
GIVEN_MODULES = ("nn.functional.triplet_margin_with_distance_loss",)      # as the distance
ALLOWED = {**known("refused"), **known("differs")}


def accepted(case, verdict):
    """Passed, or refused as the committed list says, or given a module of PyTorch's."""
    return verdict.kind == "passed" or (case.name, verdict.code) in ALLOWED or (
        verdict.code == "foreign" and case.name in GIVEN_MODULES)


def unexpected(case, limit, dtypes):
    """What failed, or was refused by an error that the committed list does not have."""
    with sheer.backend("reference"):
        return [f"{what}: {v.kind} {v.code} {v.text}"
                for what, v in verdicts(case, limit, dtypes)
                if not accepted(case, v)]


@pytest.mark.parametrize("group", range(GROUPS))
def test_first_samples_agree_with_torch(group):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # the database warns about torch's own deprecations
        found = [text for case in EVERY[group::GROUPS] for text in unexpected(case, 1, 2)]
    assert not found, "\n".join(found)          # not == []: its diff takes minutes


@pytest.mark.slow
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.label)
def test_compiled_programs_agree_with_torch(case):
    """The same on the CPU backend, for one sample of each name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dtypes = case.dtypes()[:1]                   # some names have none here: complex ones
        call = next((c for dtype in dtypes for c in case.calls(dtype, 1)), None)
        verdict = None if call is None else run(call, dtypes[0] == torch.float64)
    assert verdict is None or accepted(case, verdict), verdict


@pytest.mark.slow
def test_all_samples_and_the_committed_lists_are_exact():
    """No failure; every refusal is on the list, every entry of the list is needed, and the page
    shows this score (`python tests/samples/samples_score.py` writes it)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = {family: score(shared) for family, (_, shared) in FAMILIES.items()}
    failures = [f for s in scores.values() for f in s.failures]
    assert not failures, "\n".join(failures)
    met = {key for s in scores.values() for key in s.refusals if key[1] != "foreign"}
    assert met - set(ALLOWED) == set(), "refusals that are not on the list"
    assert set(ALLOWED) - met == set(), "the list may only shrink: these are refused no more"
    assert page(scores) == PAGE.read_text(encoding="utf-8")
