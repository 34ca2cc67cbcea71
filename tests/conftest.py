"""What every test shares: the hypothesis profile, reproducible and short; records."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["recipes_record", "systems_record"]

COMMON = {"deadline": None, "database": None,
          "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}
settings.register_profile("sheer", derandomize=True, max_examples=15, **COMMON)
# Hypothesis also draws constants of the modules that happen to be imported, so that 15 examples are
# others on another day; now and then, look for what they may find: --hypothesis-profile=thorough
settings.register_profile("thorough", derandomize=False, max_examples=150, **COMMON)
settings.load_profile("sheer")


SHARED = Path(os.environ.get("SHEER_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public datasets; the test is skipped where there is none."""
    if not (SHARED / "mnist").is_dir():
        pytest.skip(f"needs the public datasets in SHEER_DATA or ../shared/data, not in {SHARED}")
    return SHARED
