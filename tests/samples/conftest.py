"""torch's sample database needs expecttest, a development dependency; without it nothing runs."""

from __future__ import annotations

import importlib.util

missing = importlib.util.find_spec("expecttest") is None
collect_ignore_glob = ["test_samples_*.py"] if missing else []


def pytest_report_header() -> str:
    return "tests/samples: skipped, torch's sample database needs expecttest" if missing else ""
