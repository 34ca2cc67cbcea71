"""Source lines under the command line, where no program of the user's is running."""

from __future__ import annotations

from sheer.commands.stages import traced_recipe
from sheer.graph import source
from sheer.recipes import make


def test_under_the_command_line_the_layer_stands_for_the_line():
    """Not the line of some library: the layer, or the line of the recipe that made a weight."""
    scope = {"traced_recipe": traced_recipe, "recipe": make("xor")}
    exec(compile("form = traced_recipe(recipe, None)", source._COMMANDS, "exec"), scope)
    places = {str(n.source) for n in scope["form"].graph.nodes}
    assert {"layer 0", "layer 1", "layer 2"} <= places
    assert {p.partition(":")[0] for p in places if ":" in p} <= {"xor.py"}


def test_under_the_command_line_no_line_of_a_program_that_makes_the_same_is_shown():
    scope = {"traced_recipe": traced_recipe, "recipe": make("xor")}
    exec(compile("before = traced_recipe(recipe, None)", "program.py", "exec"), scope)
    exec(compile("form = traced_recipe(recipe, None)", source._COMMANDS, "exec"), scope)
    sources = [str(n.source) for n in scope["form"].graph.nodes]
    assert not [s for s in sources if s.startswith("program.py")]
    assert [s for n in scope["before"].graph.nodes if (s := str(n.source)).startswith("program.py")]
