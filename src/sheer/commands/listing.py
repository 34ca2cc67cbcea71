"""Listings: recipes, primitives and error pages, as tables on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown

from ..ops.primitive import REGISTRY, Absent, HostOp, KernelIn, Primitive
from .tables import print_table


def recipe_table() -> None:
    """Name, what it is, settings and promised test figure of every recipe."""
    from ..recipes import RECIPES
    rows = []
    for name, recipe in sorted(RECIPES.items()):
        settings = "  ".join(f"{k}={v}" for k, v in vars(recipe.settings()).items())
        metric, value = recipe.promise
        rows.append((name, recipe.summary, settings, f"{metric} {value:.3g}"))
    print_table(rows, ("recipe", "task", "settings", "promises"))


def primitive_table(only_host: bool) -> None:
    """Every primitive: its family, how it runs on the CPU, and its formula."""
    rows = []
    for name, cls in sorted(REGISTRY.items(), key=lambda item: (family(item[1]), item[0])):
        how = kernel_of(cls)
        if how.startswith("host") or not only_host:
            rows.append((name, family(cls), how, (cls.__doc__ or "").split("\n")[0]))
    print_table(rows, ("primitive", "family", "on the cpu", "what it is"))


def family(cls: type[Primitive]) -> str:
    """The file or folder of sheer.ops that a primitive lives in."""
    return cls.__module__.removeprefix("sheer.ops.").split(".")[0]


def kernel_of(cls: type[Primitive]) -> str:
    """How the CPU backend runs a primitive: inline, a kernel, a view, or on the host."""
    if isinstance(cls.emit, HostOp):
        return f"host: {cls.emit.reason}"
    if cls.view:
        return "view"
    if isinstance(cls.emit, KernelIn):
        return "kernel"
    return "marker" if isinstance(cls.emit, Absent) else "inline"


def print_page(code: str | None) -> None:
    """The page of an error code, rendered on a terminal, plain elsewhere; None lists all codes."""
    from ..errors import index, page
    console = Console()
    if code is None:
        for known, title in index():
            print(f"{known}  {title}")
        return
    text = page(code)
    console.print(Markdown(text)) if console.is_terminal else print(text)
