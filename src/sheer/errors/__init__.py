"""The pages behind error codes: what `sheer explain E101` prints. Each page is run by the tests."""

from __future__ import annotations

from importlib.resources import files

from ..graph.errors import ArgumentError


def codes() -> list[str]:
    """All codes that have a page, in order."""
    return sorted(p.name.removesuffix(".md") for p in files(__package__).iterdir()
                  if p.name.endswith(".md"))


def index() -> list[tuple[str, str]]:
    """(code, title) of every page, in order: `sheer explain` without a code."""
    return [(code, title(page(code))) for code in codes()]


def title(text: str) -> str:
    """What stands behind the code in the first line of a page."""
    return text.partition("\n")[0].partition(": ")[2]


def page(code: str) -> str:
    """The text of a page: Markdown with the failing code, its message, the cause, the fixed code.

    Raises ArgumentError E822 for a code without a page, with the nearest ones.
    """
    known = codes()
    wanted = code.upper()
    if wanted not in known:
        alike = {k: sum(a == b for a, b in zip(k, wanted, strict=False)) for k in known}
        near = sorted((k for k in known if alike[k] > 1), key=lambda k: -alike[k])[:3]
        raise ArgumentError("E822", "explain", f"there is no page {code!r}",
                            got={"nearest": ", ".join(near)} if near else None,
                            need="a code such as E101, as printed behind `more` in an error")
    return files(__package__).joinpath(f"{wanted}.md").read_text(encoding="utf-8")
