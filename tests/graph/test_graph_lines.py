"""Equal expressions on two lines: each error names the line of its own operand, in every mode."""

from __future__ import annotations

from pathlib import Path

import pytest

import sheer
from sheer import nn, optim
from sheer.graph import SheerError


def line_of(text: str) -> str:
    """Where in this file the marked line stands, as an error writes it."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    number = next(i for i, row in enumerate(lines, 1) if row.endswith(f"# {text}"))
    return f"test_graph_lines.py:{number} "


def message(call) -> str:
    with pytest.raises(SheerError) as caught:
        call()
    return str(caught.value)


def first_then_second(a, b):
    x = a + b                               # here first
    y = a + b                               # here again
    del x
    return y @ y


def test_eager_the_second_line_is_named():
    a, b = sheer.ones(2, 3), sheer.ones(2, 3)
    text = message(lambda: first_then_second(a, b))
    assert line_of("here again") in text
    assert line_of("here first") not in text


def test_traced_the_second_line_is_named():
    f = sheer.jit(first_then_second)
    text = message(lambda: f(sheer.ones(2, 3), sheer.ones(2, 3)))
    assert line_of("here again") in text
    assert line_of("here first") not in text


def test_both_operands_of_one_error_have_their_own_lines():
    a, b = sheer.ones(2, 3), sheer.ones(2, 3)
    x = a * b                               # left operand
    y = a * b                               # right operand
    text = message(lambda: x @ y)
    assert text.index(line_of("left operand")) < text.index(line_of("right operand"))


def test_after_backward_the_lines_are_still_those_of_the_operands():
    w = sheer.ones(2, 3, requires_grad=True)
    x = w * 2.0                             # before backward
    x.sum().backward()
    y = w * 2.0                             # after backward
    assert line_of("after backward") in message(lambda: y @ y)
    assert line_of("before backward") in message(lambda: x @ x)


def test_a_constant_does_not_name_the_line_of_another_function():
    def other():
        return sheer.zeros(3, 3)            # somebody else
    kept = other()
    mine = sheer.zeros(3, 3)                # mine
    text = message(lambda: mine @ sheer.ones(2, 2))
    assert line_of("mine") in text
    assert line_of("somebody else") not in text
    del kept


def test_equal_expressions_are_computed_once_in_a_program():
    def two_lines(a):
        x = (a * 3.0).tanh()
        y = (a * 3.0).tanh()
        return x + y
    def one_line(a):
        x = (a * 3.0).tanh()
        return x + x
    a = sheer.ones(4)
    assert sheer.jit(two_lines).lower(a) == sheer.jit(one_line).lower(a)


def test_the_program_table_names_the_lines_of_its_function():
    w = nn.Parameter(sheer.ones(3, 3))
    rate = optim.SGD([w], lr=0.1)

    @sheer.jit
    def step(x):
        rate.zero_grad()
        loss = (x @ w).square().sum()       # the loss
        loss.backward()
        rate.step()
        return loss
    with sheer.backend("cpu"):
        text = str(step.program(sheer.ones(2, 3)).program)
    assert line_of("the loss").strip() in text
