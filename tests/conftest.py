"""What every test shares: the hypothesis profile, reproducible and short; the record of systems."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["systems_record"]

settings.register_profile(
    "sheer", derandomize=True, max_examples=15, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
settings.load_profile("sheer")


SHARED = Path(os.environ.get("SHEER_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public datasets; the test is skipped where there is none."""
    if not (SHARED / "mnist").is_dir():
        pytest.skip(f"needs the public datasets in SHEER_DATA or ../shared/data, not in {SHARED}")
    return SHARED
