"""Every primitive, generically: rules are complete, and agree with `ref` and with each other."""

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest
from checks import check_batch, check_infer, check_read, check_second_vjp, check_vjp, every_case

from sheer import ops
from sheer.graph import FLOATS, Graph, float32
from sheer.ops import elementwise, movement, structure
from sheer.ops.primitive import REGISTRY, RULES, Absent, Primitive

every_primitive = pytest.mark.parametrize("cls", REGISTRY.values(), ids=REGISTRY)

NO_SAMPLE = {"Input": "has no value", "Pick": "needs a node with several results"}


@every_primitive
def test_every_rule_is_there_or_says_why_not(cls):
    for rule in RULES:
        value = inspect.getattr_static(cls, rule)
        if isinstance(value, Absent):
            assert len(value.reason) > 3, f"{cls.__name__}.{rule} is absent without a reason"
        else:
            kind = str if rule == "xla" and isinstance(value, str) else object
            assert isinstance(value, kind) or callable(getattr(cls, rule)), rule
    assert not isinstance(cls.infer, Absent), "infer must exist"
    assert not isinstance(cls.ref, Absent), "ref must exist"


def test_a_class_without_a_rule_cannot_be_created():
    with pytest.raises(TypeError) as caught:
        class Half(Primitive):
            """Half of every element."""

            def infer(self, x): return x
            def ref(self, x): return x / 2
    assert str(caught.value) == "primitive Half lacks vjp, batch, emit, xla, samples"
    assert "Half" not in REGISTRY


def test_there_is_one_object_of_the_same_parameters():
    reshape = movement.Reshape((2, 3))
    assert movement.Reshape(shape=(2, 3)) is reshape
    assert copy.deepcopy(reshape) is copy.copy(reshape) is reshape
    assert pickle.loads(pickle.dumps(reshape)) is reshape
    assert dataclasses.replace(movement.Reshape((6,)), shape=(2, 3)) is reshape
    assert movement.Reshape((3, 2)) != reshape


def test_what_nobody_holds_makes_room_and_the_rest_stays(monkeypatch):
    Reshape = movement.Reshape
    monkeypatch.setattr(Reshape, "_kept", {})
    monkeypatch.setattr(Reshape, "_most", 10)
    held = [Reshape((n, 1)) for n in range(10)]
    for n in range(20_000):
        Reshape((n, 2))
    assert len(Reshape._kept) < 10_000
    assert all(Reshape((n, 1)) is held[n] for n in range(10))
    assert (0, 2) not in {p.shape for p in Reshape._kept.values()}


def test_parameters_have_an_order_names_and_defaults():
    assert repr(movement.Permute((1, 0))) == "Permute(axes=(1, 0))"
    one = structure.Input(2, (3,), float32)
    assert one is structure.Input(2, shape=(3,), dtype=float32, scope=0)
    for wrong, what in ((movement.Reshape, "needs 'shape'"),
                        (lambda: movement.Reshape((1,), 2), "takes 1 parameters, got 2"),
                        (lambda: movement.Reshape(size=(1,)), "has no parameter 'size'"),
                        (lambda: movement.Reshape((1,), shape=(1,)), "got 'shape' twice")):
        with pytest.raises(TypeError, match=what):
            wrong()
    with pytest.raises(AttributeError):
        del movement.Reshape((1,)).shape


def test_one_with_other_parameters_is_equal_to_others_with_those():
    some, other = (movement.Pad(((1, 0, n),)) for n in (0, 1))
    again = pickle.loads(pickle.dumps(some))
    assert again == some
    assert hash(again) == hash(some)
    assert some != other


@every_primitive
def test_docstring_has_its_sections(cls):
    lint_docstring(cls.__name__, cls.__doc__)


@pytest.mark.parametrize("name", [n for n in elementwise.__all__ if n[0].islower()])
def test_functions_are_documented(name):
    lint_docstring(name, getattr(elementwise, name).__doc__)


def lint_docstring(name, text):
    """A sentence, then Shape and Source."""
    lines = inspect.cleandoc(text or "").splitlines()
    assert lines, f"{name} has no docstring"
    first = " ".join(lines).split("  ")[0]
    assert first.rstrip()[-1] in ".?", f"{name}: the first paragraph is no sentence: {first}"
    heads = [line.split()[0] for line in lines if line.split()]
    for section in ("Shape", "Source"):
        assert section in heads, f"{name} says nothing about {section}"


def test_the_public_list_of_elementwise_is_explicit():
    missing = [n for n in elementwise.__all__ if not hasattr(elementwise, n)]
    assert not missing
    assert {*vars(ops)} & {"unary", "binary", "Unary", "Predicate", "lift_floats"} == set()


@every_primitive
def test_infer_predicts_ref(cls):
    assert every_case(cls, check_infer) or cls.__name__ in NO_SAMPLE


@every_primitive
def test_infer_predicts_ref_in_float32(cls):
    def check(prim, args):
        return fixed_dtype(prim) or check_infer(prim, to_float32(args))
    every_case(cls, check)


def fixed_dtype(prim):
    """Is the dtype of the inputs settled by a graph the primitive runs?"""
    return any(isinstance(getattr(prim, f.name), Graph) for f in dataclasses.fields(prim))


def to_float32(args):
    with np.errstate(over="ignore"):
        return [a.astype("f4") if a.dtype == "f8" else a for a in args]


@pytest.mark.parametrize("dtype", [d.name for d in FLOATS])
@every_primitive
def test_special_values_keep_shape_and_dtype(cls, dtype):
    """NaN, infinities, signed zeros and subnormals go through every elementwise primitive."""
    if issubclass(cls, elementwise.family.Elementwise) and dtype in [d.name for d in cls.dtypes]:
        check_infer(cls(), special(cls.arity, dtype))


def special(arity, dtype):
    """All combinations of delicate numbers."""
    big, tiny = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    edge = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, big, tiny, -tiny]
    return [a.ravel() for a in np.meshgrid(*[np.array(edge, dtype)] * arity)]


@every_primitive
@pytest.mark.system("Backpropagation")
def test_vjp_matches_a_central_difference(cls):
    compared = every_case(cls, check_vjp)
    assert compared or isinstance(cls.vjp, Absent) or not has_floats(cls)


@every_primitive
def test_second_derivative_matches_a_central_difference(cls):
    compared = every_case(cls, check_second_vjp)
    assert compared or isinstance(cls.vjp, Absent) or not has_floats(cls)


def has_floats(cls):
    """Does any pinned or drawn case have a float result made of float inputs?"""
    from checks import smooth
    return every_case(cls, smooth) > 0


@every_primitive
def test_batch_is_a_loop_over_examples(cls):
    compared = every_case(cls, check_batch, max_examples=4)
    assert compared or isinstance(cls.batch, Absent)


@pytest.mark.parametrize("cls", [c for c in REGISTRY.values() if hasattr(c, "read")],
                         ids=lambda c: c.__name__)
def test_read_is_ref(cls):
    assert every_case(cls, check_read)
