"""What functions of functions are given: what is no function, no place, nothing to derive by."""

import numpy as np
import pytest

import sheer
from sheer.graph.errors import ArgumentError, DTypeError, ShapeError

DERIVATIVES = ["grad", "value_and_grad", "jacrev", "jacfwd", "hessian"]


def square(x):
    return (x * x).sum()


def text(kind, call):
    with pytest.raises(kind) as caught:
        call()
    lines = [line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines()]
    return "\n".join(lines)


# ---- the function ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DERIVATIVES, "jit", "vmap"])
def test_a_number_is_no_function(name):
    assert text(DTypeError, lambda: getattr(sheer, name)(3)) == (
        f"{name}: int is no function\n"
        "  given: 3\n"
        "  need : something that can be called\n"
        "  more : sheer explain E624"
    )


@pytest.mark.parametrize(("name", "call"), [
    ("vjp", lambda x: sheer.vjp(3, x)),
    ("jvp", lambda x: sheer.jvp(3, (x,), (x,))),
    ("scan", lambda x: sheer.scan(3, x, x)),
    ("fori_loop", lambda x: sheer.fori_loop(0, 2, 3, x)),
    ("checkpoint", lambda x: sheer.utils.checkpoint.checkpoint(3, x)),
    ("gradcheck", lambda x: sheer.autograd.gradcheck(3, x)),
    ("jacrev", lambda x: sheer.autograd.functional.jacobian(3, x)),
])
def test_nor_where_it_is_called_at_once(name, call):
    assert text(DTypeError, lambda: call(sheer.ones(2))).startswith(f"{name}: int is no function\n")


def test_the_result_of_a_call_is_no_function():
    w = sheer.ones(2)
    assert text(DTypeError, lambda: sheer.grad(square(w))) == (
        "grad: Tensor is no function\n"
        "  given: f32[]\n"
        "  need : something that can be called\n"
        "  try  : grad(f), the function itself, in place of grad(f(x))\n"
        "  try  : sheer.autograd.grad(outputs, inputs), of tensors\n"
        "  more : sheer explain E624"
    )


# ---- its arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_by_integers_is_refused(name):
    derivative = getattr(sheer, name)(square)
    assert text(DTypeError, lambda: derivative(sheer.tensor([1, 2]))) == (
        f"{name}: no gradient with respect to int64\n"
        "  argument: i64[2]\n"
        "  need    : float32 or float64\n"
        "  try     : x.float()\n"
        "  more    : sheer explain E604"
    )
    assert text(DTypeError, lambda: derivative(3.0)) == (
        f"{name}: no gradient with respect to float\n"
        "  argument 0: 3.0\n"
        "  need      : a float tensor\n"
        "  try       : sheer.tensor(x)\n"
        "  more      : sheer explain E604"
    )


@pytest.mark.parametrize(("name", "call"), [
    ("vjp", lambda i: sheer.vjp(square, i)),
    ("jvp", lambda i: sheer.jvp(square, (i,), (i,))),
    ("jacrev", lambda i: sheer.autograd.functional.jacobian(square, i)),
    ("jacfwd", lambda i: sheer.autograd.functional.jacobian(square, i, strategy="forward-mode")),
    ("hessian", lambda i: sheer.autograd.functional.hessian(square, i)),
    ("vjp", lambda i: sheer.autograd.functional.vjp(square, i)),
])
def test_by_any_other_name_too(name, call):
    found = text(DTypeError, lambda: call(sheer.tensor([1, 2])))
    assert found.startswith(f"{name}: no gradient with respect to int64\n")


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("argnums", ["a", ("a",), 0.5, None, True])
def test_argnums_that_are_no_places(name, argnums):
    assert text(ArgumentError, lambda: getattr(sheer, name)(square, argnums)) == (
        f"{name}: argnums are places of positional arguments\n"
        f"  argnums: {argnums!r}\n"
        "  need   : a whole number, or a tuple of them\n"
        "  more   : sheer explain E603"
    )


@pytest.mark.parametrize("name", DERIVATIVES)
def test_argnums_outside_or_twice(name):
    x, derivative = sheer.ones(2), getattr(sheer, name)
    for place in (1, -2):
        assert text(ArgumentError, lambda place=place: derivative(square, place)(x)) == (
            f"{name}: there is no argument {place}\n"
            "  arguments: 1\n"
            "  need     : argnums of positional arguments\n"
            "  more     : sheer explain E603"
        )
    for places in ((0, 0), (0, -1)):
        found = text(ArgumentError, lambda places=places: derivative(square, places)(x))
        assert found.startswith(f"{name}: an argument comes twice\n")


def test_places_of_every_whole_kind():
    x, y = sheer.tensor([1.0, 2.0]), sheer.tensor([3.0, 4.0])
    f = lambda x, y: (x * y).sum()
    assert sheer.grad(f, np.int64(1))(x, y).tolist() == [1.0, 2.0]
    assert [g.tolist() for g in sheer.grad(f, range(2))(x, y)] == [[3.0, 4.0], [1.0, 2.0]]
    assert sheer.jacrev(f, -1)(x, y).tolist() == [1.0, 2.0]


def test_the_primals_of_jvp_are_a_tuple():
    x = sheer.ones(2)
    assert text(ArgumentError, lambda: sheer.jvp(square, x, x)) == (
        "jvp: primals are a tuple, one for each argument\n"
        "  primals: f32[2]\n"
        "  need   : a tuple or list of tensors\n"
        "  try    : jvp(f, (x,), (t,))\n"
        "  more   : sheer explain E603"
    )


def test_a_function_with_something_besides_gives_two_things():
    assert text(ShapeError, lambda: sheer.grad(square, has_aux=True)(sheer.ones(2))) == (
        "grad: with has_aux the function must give two things\n"
        "  result: Tensor\n"
        "  need  : (loss, anything)\n"
        "  try   : has_aux=False\n"
        "  more  : sheer explain E602"
    )


@pytest.mark.parametrize("dims", [{"in_dims": ("a",)}, {"out_dims": "a"}, {"out_dims": 1.5}])
def test_axes_of_vmap_are_numbers(dims):
    found = text(ArgumentError, lambda: sheer.vmap(lambda x: x, **dims)(sheer.ones(2)))
    assert found.startswith("vmap: an axis is a number, and a ")
    assert found.endswith("sheer explain E608")
