"""Models are compared with torch where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))        # bench/networks.py holds torch's forms
