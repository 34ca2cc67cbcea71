"""What tests marked `system` show, in a table: docs/systems.md, written by `make systems`.

What each test saw when it last ran is kept beside the page, so that runs of a few tests add up.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECTIONS: dict[str, list[str]] = {
    section: table["rows"] for section, table in tomllib.loads(
        (ROOT / "tests/systems/rows.toml").read_text(encoding="utf-8")).items()}
ROWS = {row for rows in SECTIONS.values() for row in rows}

_FIGURES = pytest.StashKey[list[str]]()
Seen = dict[str, list[str]]                          # test -> outcome, figures
_SHOWN: dict[str, Seen] = {}                         # row -> what its tests saw


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--systems", type=Path, metavar="FILE",
                     help="write the table of systems, and what the tests of this run saw")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "system(row): shows that a row of tests/systems works")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("system"):
            unknown = set(mark.args) - ROWS
            if unknown or not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: no such row of systems: {unknown}")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tell the table of systems what was measured: figure("accuracy 98.6 %")."""
    return request.node.stash.setdefault(_FIGURES, []).append  # type: ignore[no-any-return]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    report.user_properties += [("figure", f) for f in item.stash.get(_FIGURES, [])
                               if report.when == "call"]
    report.user_properties += [("system", row) for mark in item.iter_markers("system")
                               for row in mark.args]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or (report.when == "setup" and not report.passed):
        figures = "; ".join(v for k, v in report.user_properties if k == "figure")
        for row in {v for k, v in report.user_properties if k == "system"}:
            _SHOWN.setdefault(row, {})[report.nodeid] = [report.outcome, figures]


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--systems")
    if path and not hasattr(session.config, "workerinput"):
        kept = path.with_suffix(".json")
        shown = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        for row, seen in _SHOWN.items():
            known = {t: found for t, found in shown.get(row, {}).items() if _exists(t)}
            shown[row] = known | seen
        kept.write_text(json.dumps(shown, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        path.write_text(table(shown), encoding="utf-8")


def _exists(test: str) -> bool:
    """Is a test that was run once still there?"""
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.exists() and f"def {name.split('[')[0].split('::')[-1]}(" in file.read_text(
        encoding="utf-8")


def table(shown: dict[str, Seen]) -> str:
    """The page: per section, a row for each system with its state, its tests and their figures."""
    lines = ["# Systems", "", "What works, the test that shows it, and what the test measured. "
             "Made by `make systems`.", ""]
    working = sum(_state(shown.get(row, {})) == "works" for row in ROWS)
    lines += [f"{working} of {len(ROWS)} rows work.", ""]
    for section, rows in SECTIONS.items():
        lines += [f"## {section}", "", "| system | state | tests | figure |", "|---|---|---|---|"]
        lines += [_line(row, shown.get(row, {})) for row in rows] + [""]
    return "\n".join(lines)


def _line(row: str, seen: Seen) -> str:
    tests = dict.fromkeys(t.split("[")[0].removeprefix("tests/") for t in sorted(seen))
    figures = dict.fromkeys(f for _, (_, f) in sorted(seen.items()) if f)
    cells = [row, _state(seen), "<br>".join(tests), "; ".join(figures)]
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _state(seen: Seen) -> str:
    outcomes = {outcome for outcome, _ in seen.values()}
    if not outcomes:
        return "no test yet"
    if "failed" in outcomes:
        return "fails"
    return "works" if "passed" in outcomes else "not run"
