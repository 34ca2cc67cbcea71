"""einsum agrees with torch and NumPy; pairs are dots, products without a sum multiplications."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes_helpers import agree, inputs, run, torch

from sheer.graph import Graph
from sheer.ops import einsum

SIZES = {"a": 2, "b": 3, "c": 4, "i": 2, "j": 3, "k": 4, "l": 5, "N": 3}
EQUATIONS = [
    "i->i", "i->", "ij->ji", "ij", "ji", "ij->", "ij->j", "ii->i", "ii", "iij->ij", "iji->j",
    "aiaia->a",
    "i,i->", "i,i->i", "i,j->ij", "i,j", "ij,jk->ik", "ij,jk", "ij,kj->ik", "ij,jk->ki", "ij,ij->",
    "ij,ij->ij", "aij,ajk->aik", "aij,akj->aik", "ij,jk,kl->il", "ij,jk,kl,la->ia",
    "abc,abi,abj->cij",
    "abc,c->ab", "iia,a->i", "ij,k->ijk", "Ni,Nj->Nij", "aij,ajk,kl->al", "i,i,i->i", "ij,j,i->",
    "...i->...", "...ij,...jk->...ik", "...i,i", "i...,i...->...", "a...b,b->...a", "...,...->...",
    "...ii->...i", "i..., j... -> ...ij"]


def operands(equation, seed=0, dots=(2, 3)):
    rng = np.random.default_rng(seed)
    parts = equation.replace(" ", "").split("->")[0].split(",")
    lengths = lambda label: dots if label == "." else (SIZES[label],)
    return [rng.normal(size=[n for label in part.replace("...", ".") for n in lengths(label)])
            for part in parts]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    arrays = operands(equation)
    agree(lambda *xs: einsum(equation, *xs), lambda *xs: torch.einsum(equation, *xs), *arrays)


@settings(max_examples=60)
@given(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=4),
       st.randoms(use_true_random=False))
def test_random_equations_are_numpys(parts, rng):
    letters = sorted(set("".join(parts)))
    output = "".join(rng.sample(letters, rng.randint(0, len(letters))))
    equation = ",".join(parts) + "->" + output
    arrays = operands(equation, seed=len(equation))
    got = run(lambda *xs: einsum(equation, *xs), *arrays)
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-11, atol=1e-11)


def test_hidden_and_named_axes_of_length_one_broadcast():
    rng = np.random.default_rng(1)
    agree(lambda a, b: einsum("...ij,...jk->...ik", a, b),
          lambda a, b: torch.einsum("...ij,...jk->...ik", a, b),
          rng.normal(size=(2, 1, 3, 4)), rng.normal(size=(5, 4, 2)))
    agree(lambda a, b: einsum("ij,jk->ik", a, b), lambda a, b: torch.einsum("ij,jk->ik", a, b),
          rng.normal(size=(3, 1)), rng.normal(size=(4, 2)))


def prims(equation):
    nodes = inputs(operands(equation))
    graph = Graph(nodes, [einsum(equation, *nodes)])
    return [type(n.prim).__name__ for n in graph.nodes if n not in nodes]


@pytest.mark.parametrize(("equation", "expected"), [
    ("ij,jk->ik", ["Dot"]), ("ij,ij->ij", ["Mul"]), ("aij,ajk->aik", ["Dot"]),
    ("ij->ji", ["Permute"]), ("ii->i", ["Reshape", "Slice"]), ("ij->j", ["Sum"])])
def test_no_more_nodes_than_needed(equation, expected):
    assert prims(equation) == expected


def test_the_cheapest_pair_is_multiplied_first():
    shapes = {"ij": (50, 2), "jk": (2, 50), "k": (50,)}
    nodes = inputs([np.ones(s) for s in shapes.values()])
    graph = Graph(nodes, [einsum("ij,jk,k->i", *nodes)])
    dots = [n for n in graph.nodes if type(n.prim).__name__ == "Dot"]
    assert [n.shape for n in dots] == [(2, 1), (50, 1)]           # a matrix and a vector, twice


def test_integers():
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(run(lambda a, b: einsum("ij,kj->ik", a, b), x, x), x @ x.T)
