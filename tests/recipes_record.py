"""What recipes reach with default settings, in a table: docs/recipes.md, written by `make recipes`.

Each is trained once per seed and process for all tests that ask; under pytest-xdist the marker
`xdist_group(name)` brings those together. What was seen last is kept beside the page, so that runs
of a few tests add up.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sheer.recipes import RECIPES, make, run
from sheer.recipes.recipe import Outcome

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "bench/results.json"              # what `make bench` has left
# recipe -> the workload with its network and minibatch
SAME = {"mnist-mlp": "mnist-mlp", "mnist-cnn": "lenet", "adult": "tabular"}
SHIPPED = {"digits", "digits-mlp", "xor", "delayed-copy", "adding", "ntm-copy", "random-walk",
           "voice-gender", "dna-motif", "dates", "reverse", "stories",
           "spans", "captions", "handwriting"}                        # or made up by the recipe
SEEDS = (0, 1, 2)

Seen = dict[str, dict[str, Any]]       # recipe -> seed -> what `Outcome.json` says
_SEEN: Seen = {}


def each(*names: str) -> list[Any]:
    """These recipes as parameters of a test, each trained by one process."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--recipes", type=Path, metavar="FILE",
                     help="write the table of recipes, and what the tests of this run saw")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outcome]:
    """trained(name, seed, data): a run with default settings, made once."""
    return cache(lambda name, seed, data: run(
        make(name), data_dir=data, seed=seed, out=tmp_path_factory.mktemp(name), progress=False,
        compare=seed == SEEDS[0]))


@pytest.fixture
def reached(request: pytest.FixtureRequest, trained: Callable[..., Outcome],
            record_property: Callable[[str, object], None]) -> Callable[..., Outcome]:
    """reached(name, seed=0): the outcome of a recipe; with the first seed, baselines, too."""
    def found(name: str, seed: int = SEEDS[0]) -> Outcome:
        data = None if name in SHIPPED else request.getfixturevalue("shared_data")
        outcome = trained(name, seed, data)
        row = outcome.json()
        record_property("recipe", {k: row[k] for k in (
            "recipe", "seed", "seconds", "epochs", "test", "baselines")})
        return outcome
    return found


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for row in (dict(v) for k, v in report.user_properties if k == "recipe"):
        _SEEN.setdefault(row.pop("recipe"), {})[str(row.pop("seed"))] = row


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--recipes")
    if path and not hasattr(session.config, "workerinput"):
        kept = path.with_suffix(".json")
        seen: Seen = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        for name, seeds in _SEEN.items():
            seen[name] = seen.get(name, {}) | seeds
        kept.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        path.write_text(table(seen), encoding="utf-8")


def table(seen: Seen) -> str:
    """The page: what was promised, what the seeds gave, what simple baselines give."""
    lines = ["# Recipes", "", "What each reaches on its test part: the middle of three seeds, and "
             "their range, beside simple baselines; training time on this machine, and PyTorch's "
             "where `make bench` has the same network. Made by `make recipes`.", "",
             "| recipe | task | figure | seeds | promised | baselines | training | PyTorch |",
             "|---|---|---|---|---|---|---|---|"]
    lines += [_line(name, seen[name]) for name in sorted(seen) if name in RECIPES]
    return "\n".join([*lines, ""])


def _line(name: str, seeds: Mapping[str, Any]) -> str:
    metric, promised = RECIPES[name].promise
    values = sorted(s["test"][metric] for s in seeds.values())
    compared = next((s["baselines"] for s in seeds.values() if s["baselines"]), {})
    baselines = "; ".join(f"{what} {found[metric]:.4g}" for what, found in compared.items()
                          if metric in found)
    seconds = statistics.median(s["seconds"] for s in seeds.values())
    return (f"| {name} | {RECIPES[name].summary} | {metric} {statistics.median(values):.4g} | "
            f"{values[0]:.4g} to {values[-1]:.4g} | {promised:g} | {baselines} | {seconds:.1f} s | "
            f"{_in_pytorch(name, seconds)} |")


def _in_pytorch(name: str, seconds: float) -> str:
    """How long the same steps take there, by the ratio that the bench measured."""
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    ratio = measured.get(SAME.get(name, ""), {}).get("torch")
    return f"{seconds * ratio[0]:.1f} s" if ratio else ""
