"""Where the real datasets are, if they are here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path | None:
    """SHEER_DATA, or ../shared/data beside the checkout; None where neither exists."""
    named = os.environ.get("SHEER_DATA")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "data"
    return folder if folder.is_dir() else None
