"""Memory: what the system and the container say flows in; the bytes still to be had flow out."""

from __future__ import annotations

import sys
from pathlib import Path

_MANY = 1 << 62


def available_bytes(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes this process may still take, swap included; a huge number where nobody says."""
    return min(_of_machine(proc), _of_container(cgroup), _of_limit(proc))


def _of_machine(proc: Path) -> int:
    """What Linux could free without stopping anybody."""
    rows = _rows(proc / "meminfo")
    if "MemAvailable:" not in rows:
        return _MANY
    return 1024 * (rows["MemAvailable:"] + rows.get("SwapFree:", 0))


def _of_container(root: Path) -> int:
    """What the control group has left; file pages it has cached go when memory is wanted."""
    for limit, used in (("memory.max", "memory.current"),
                        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        most, now = _number(root / limit), _number(root / used)
        if most is not None and now is not None:
            rows = _rows((root / used).with_name("memory.stat"))
            cached = rows.get("inactive_file", 0) + rows.get("active_file", 0)
            return max(most - now + cached, 0)
    return _MANY


def _of_limit(proc: Path) -> int:
    """What `ulimit -v` leaves of the address space."""
    if sys.platform == "win32":
        return _MANY
    import resource
    most, pages = resource.getrlimit(resource.RLIMIT_AS)[0], _number(proc / "self" / "statm")
    if most == resource.RLIM_INFINITY:
        return _MANY
    return max(most - (pages or 0) * resource.getpagesize(), 0)


def _rows(path: Path) -> dict[str, int]:
    """The first two words of every line."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _number(path: Path) -> int | None:
    """The first word of a file, if it is a number."""
    try:
        word = path.read_text().split()[0]
    except (OSError, IndexError):
        return None
    return int(word) if word.isdigit() else None
