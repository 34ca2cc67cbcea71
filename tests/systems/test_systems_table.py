"""docs/systems.md lists every row, and the tests it names exist."""

from __future__ import annotations

import re

from systems_record import ROOT, ROWS, table

PAGE = ROOT / "docs/systems.md"


def test_every_row_stands_on_the_page_once():
    names = re.findall(r"^\| (.+?) \| (?:works|fails|not run|no test yet) \|",
                       PAGE.read_text(encoding="utf-8"), re.M)
    assert sorted(names) == sorted(ROWS)


def test_the_page_names_tests_that_exist():
    for path, name in re.findall(r"([\w/]+\.py)::(?:\w+::)?(\w+)",
                                 PAGE.read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), name


def test_a_failing_test_shows_on_the_page():
    row = min(ROWS)
    seen = {"tests/a.py::test_b[1]": ["passed", "1.0"]}
    assert f"| {row} | works | a.py::test_b | 1.0 |" in table({row: seen})
    seen["tests/a.py::test_b[2]"] = ["failed", "2.0"]
    assert f"| {row} | fails | a.py::test_b | 1.0; 2.0 |" in table({row: seen})
