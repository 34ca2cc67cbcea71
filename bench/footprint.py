"""`python -m bench.footprint`: seconds of `import sheer`, megabytes of a base install, measured."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS, LIMIT_MEGABYTES = 0.5, 350


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        size = megabytes(Path(folder))
        seconds = import_seconds(python)
    result = {"import sheer (s)": round(seconds, 3), "base install (MB)": round(size, 1)}
    print(json.dumps(result))
    if seconds > LIMIT_SECONDS or size > LIMIT_MEGABYTES:
        sys.exit(f"over the limit of {LIMIT_SECONDS} s or {LIMIT_MEGABYTES} MB")


def install(folder: Path) -> Path:
    """A fresh environment that holds sheer and its core dependencies and nothing else."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", str(ROOT)], check=True)
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "pip", "setuptools"], check=True)
    return python


def megabytes(folder: Path) -> float:
    """Bytes of all files below the folder, links not followed, in units of 10^6."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def import_seconds(python: Path, times: int = 11) -> float:
    """Median time of `import sheer` in a new process, interpreter start not counted."""
    code = "import time; t = time.perf_counter(); import sheer; print(time.perf_counter() - t)"
    def run() -> float:
        words = [python, "-c", code]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    run()                                                  # writes the byte code
    return statistics.median(run() for _ in range(times))


if __name__ == "__main__":
    main()
