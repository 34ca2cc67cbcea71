"""The command line: `sheer COMMAND`. Each command is a few lines that call into `commands/`."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[
    Path | None, typer.Option("--data", help="Folder with the dataset's files (or SHEER_DATA).")]
Json = Annotated[bool, typer.Option("--json", help="Last line of output: one JSON object.")]
Host = Annotated[bool, typer.Option("--host", help="Only those without a native kernel.")]
Graph = Annotated[bool, typer.Option("--graph", help="The training step as typed Python.")]
Code = Annotated[str | None, typer.Argument(help="E101, W101, ...; all when left out.")]
Clear = Annotated[bool, typer.Option("--clear", help="Delete all compiled code.")]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


@app.callback(invoke_without_command=True)
def options(version: Version = False) -> None:
    """Deep learning you can see through."""
    if version:
        from . import __version__
        print(f"sheer {__version__}")
        raise typer.Exit


@app.command()
def recipes() -> None:
    """List the runnable tasks."""
    from .commands.listing import recipe_table
    recipe_table()


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A recipe, see `sheer recipes`.")],
    data: Data = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training rows.")] = None,
    seed: Annotated[int | None, typer.Option(
        help="Of weights, order of rows, and dropout; 0, or that of the run to go on.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value, any setting.")] = None,
    out: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe and score it on its test data."""
    from .commands.training import train_recipe
    train_recipe(name, data, epochs, seed, set_ or [], out, resume, as_json)


@app.command()
def info(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Versions, CPU, vector width, threads, measured peaks, cache."""
    from .commands.machine import describe_machine, machine_table
    facts = describe_machine()
    print(json.dumps(facts)) if as_json else machine_table(facts)


@app.command()
def ops(host: Host = False) -> None:
    """List the primitives."""
    from .commands.listing import primitive_table
    primitive_table(host)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A recipe.")],
    graph: Graph = False,
    program: Annotated[bool, typer.Option("--program", help="Its kernels.")] = False,
    passes: Annotated[bool, typer.Option("--passes", help="What every pass changes.")] = False,
    llvm: Annotated[bool, typer.Option("--llvm", help="The LLVM IR.")] = False,
    asm: Annotated[bool, typer.Option("--asm", help="The machine code.")] = False,
    kernel: Annotated[int | None, typer.Option(help="Only this kernel's --llvm or --asm.")] = None,
    change: Annotated[str | None, typer.Option("--pass", help="One, before and after.")] = None,
    epoch: Annotated[bool, typer.Option("--epoch", help="The loop that fit runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The program as JSON.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw the graph into this file.")] = None,
    data: Data = None,
) -> None:
    """Show what a recipe's training step becomes at each stage."""
    from .commands.stages import Wanted, show_recipe
    stages = {"graph": graph, "passes": passes, "program": program or as_json, "llvm": llvm,
              "asm": asm}
    wanted = Wanted([k for k, yes in stages.items() if yes], kernel, change, epoch, as_json)
    show_recipe(name, wanted, svg, data)


@app.command()
def predict(
    name: Annotated[str, typer.Argument(help="A recipe, see `sheer recipes`.")],
    data: Data = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training rows.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows per update.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value, any setting.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say before a run: time per epoch, memory, threads, whether it fits; nothing is trained."""
    from .commands.training import predict_recipe
    predict_recipe(name, data, epochs, batch, set_ or [], as_json)


@app.command()
def explain(code: Code = None) -> None:
    """Print the page of an error or warning, or list all of them."""
    from .commands.listing import print_page
    print_page(code)


@app.command()
def cache(clear: Clear = False) -> None:
    """Show or clear the cache of compiled code."""
    from .commands.machine import cache_report
    cache_report(clear)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="A workload; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="torch.compile as well.")] = False,
) -> None:
    """Compare with PyTorch and JAX, in one process; from a checkout of the sources."""
    from .commands.measuring import run_bench
    chosen = [word for name in only or [] for word in ("--only", name)]
    flags = ["--json"] * as_json + ["--compile"] * compiled
    run_bench([*chosen, *flags, *context.args])


def main() -> Any:
    """Run a command. A SheerError is printed, not traced; typer makes of Ctrl-C the status 130."""
    from .graph.errors import SheerError
    for stream in (sys.stdout, sys.stderr):              # what a terminal cannot write becomes "?"
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return app(standalone_mode=True)
    except SheerError as e:
        print(told(e), file=sys.stderr)
        return sys.exit(2)


def told(error: Exception) -> str:
    """The text of an error in words of the command line, where `data_dir` is the option --data."""
    return re.sub(r"\bdata_dir\b(=\.\.\.)?", "--data", str(error))
