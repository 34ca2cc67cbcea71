"""Names beyond the sample database's reach: settings, windows under torch's older names, special
values, and that new compositions have gradients of second order and work under vmap and jit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sheer
from sheer.graph import ArgumentError

RNG = np.random.default_rng(0)


def close(ours, theirs, rtol=1e-10):
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", ["hann_window", "hamming_window", "blackman_window",
                                  "bartlett_window", "kaiser_window"])
@pytest.mark.parametrize("length", [0, 1, 2, 9])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_are_torchs(name, length, periodic):
    ours = getattr(sheer, name)(length, periodic, dtype=sheer.float64)
    close(ours, getattr(torch, name)(length, periodic, dtype=torch.float64))


@pytest.mark.parametrize("name", ["erfcx", "i0e", "i1e", "ndtr", "log_ndtr", "ndtri", "entr"])
def test_special_values_are_torchs(name):
    x = np.array([-np.inf, -40, -1.0, -0.0, 0.0, 1e-300, 0.5, 1.0, 30, np.inf, np.nan])
    with np.errstate(all="ignore"):
        close(getattr(sheer.special, name)(sheer.from_numpy(x)),
              getattr(torch.special, name)(torch.from_numpy(x)), rtol=1e-8)


@pytest.mark.parametrize(("name", "args"), [
    ("cummax", (0,)), ("mode", ()), ("nanmedian", (0,)), ("renorm", (2.0, 0, 1.0)),
    ("mvlgamma", (2,)), ("frexp", ()), ("i0", ()), ("matrix_exp", ())])
def test_methods_are_functions_and_work_under_vmap_and_jit(name, args):
    x = sheer.from_numpy(RNG.uniform(1, 3, (4, 3, 3)))
    function = getattr(sheer, name)
    each = [function(row, *args) for row in x]
    for many in (sheer.vmap(lambda r: function(r, *args))(x),
                 sheer.jit(sheer.vmap(lambda r: function(r, *args)))(x)):
        firsts = many if isinstance(many, tuple) else (many,)
        for place, found in enumerate(firsts):
            want = [e[place] if isinstance(many, tuple) else e for e in each]
            np.testing.assert_allclose(found.numpy(), np.stack([w.numpy() for w in want]),
                                       rtol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [
    (lambda a: sheer.linalg.lu_factor(a)[0], lambda a: torch.linalg.lu_factor(a)[0]),
    (sheer.matrix_exp, torch.matrix_exp),
    (lambda a: sheer.special.log_ndtr(a - 4), lambda a: torch.special.log_ndtr(a - 4)),
    (sheer.special.i1e, torch.special.i1e),
    (sheer.erfc, torch.erfc)], ids=["lu", "matrix_exp", "log_ndtr", "i1e", "erfc"])
def test_second_derivatives_are_torchs(ours, theirs):
    a = RNG.uniform(0.5, 1.5, (3, 3)) + 2 * np.eye(3)
    x, y = sheer.from_numpy(a).requires_grad_(), torch.from_numpy(a).requires_grad_()
    ours(x).square().sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    first.sin().sum().backward()
    (slope,) = torch.autograd.grad(theirs(y).square().sum(), y, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sin().sum(), y)
    close(x.grad, bend, rtol=1e-7)


def test_settings_have_one_answer():
    assert sheer.get_default_dtype() == sheer.float32
    sheer.set_default_dtype("float32")
    sheer.set_default_device("cpu")
    assert str(sheer.get_default_device()) == "cpu"
    sheer.use_deterministic_algorithms(True)
    assert sheer.are_deterministic_algorithms_enabled()
    assert sheer.get_float32_matmul_precision() == "highest"


def test_threads_are_set_and_asked_for(monkeypatch):
    before = sheer.get_num_threads()
    monkeypatch.setenv("SHEER_THREADS", str(before))        # put back, whatever the setting writes
    x, w = (sheer.from_numpy(RNG.normal(size=(300, 300)).astype("f4")) for _ in range(2))
    many = (x @ w).relu().sum(1).numpy()
    try:
        sheer.set_num_threads(1)
        assert sheer.get_num_threads() == 1
        np.testing.assert_array_equal((x @ w).relu().sum(1).numpy(), many)
    finally:
        sheer.set_num_threads(before)
    assert sheer.get_num_threads() == before
    for wrong in (0, -1, 1.5, True, "2", 10**6):
        with pytest.raises(ArgumentError, match="E191"):
            sheer.set_num_threads(wrong)


def test_functions_of_layers_are_there_under_torchs_own_name():
    table, places = RNG.normal(size=(5, 2)).astype("f4"), np.array([4, 0, 4])
    close(sheer.embedding(sheer.tensor(table), sheer.tensor(places)),
          torch.embedding(torch.from_numpy(table), torch.from_numpy(places)))
    x = RNG.normal(size=(1, 2, 5, 5)).astype("f4")
    w = RNG.normal(size=(3, 2, 3, 3)).astype("f4")
    np.testing.assert_allclose(sheer.conv2d(sheer.tensor(x), sheer.tensor(w)).numpy(),
                               torch.conv2d(torch.from_numpy(x), torch.from_numpy(w)), atol=1e-5)


def test_a_function_in_place_changes_its_operand():
    x = sheer.tensor([1.0, 4.0])
    assert sheer.sqrt_(x) is x
    assert x.tolist() == [1.0, 2.0]


def test_a_pivot_that_names_no_row_is_an_error():
    factors = sheer.linalg.lu_factor(sheer.eye(3))
    with pytest.raises(IndexError) as error:
        sheer.linalg.lu_solve(factors.LU, sheer.tensor([1, 9, 3]), sheer.ones(3, 1)).numpy()
    assert error.value.what == "there is no row 9 to exchange"


@pytest.mark.parametrize("spec", ["", ".3f", "8.2e", "+"])
@pytest.mark.parametrize("value", [0.3, 2.0, 7, True])
def test_a_number_in_a_text_is_as_torchs(value, spec):
    assert format(sheer.tensor(value), spec) == format(torch.tensor(value), spec)


def test_what_is_no_number_in_a_text_is_shown_as_a_tensor():
    x = sheer.tensor([0.5])
    assert f"{x}" == str(x)
    weight = sheer.nn.Parameter(sheer.tensor(2.0))
    assert f"{weight}" == str(weight)
    seen = []
    sheer.jit(lambda x: seen.append(f"{x.sum()}") or x)(x)
    assert seen == ["tensor(traced, f32[])"]


@pytest.mark.parametrize("size", [3, (2, 3), [4], ()])
def test_sizes_by_name(size):
    for name in ("zeros", "ones", "empty", "rand", "randn"):
        made = getattr(sheer, name)(size=size, dtype=sheer.float64)
        assert made.shape == getattr(torch, name)(size=size if size != 3 else (3,)).shape
    assert sheer.zeros(2).new_zeros(size=(2, 3)).shape == (2, 3)
    assert sheer.arange(6).view(size=(2, 3)).shape == sheer.arange(6).reshape(size=(2, 3)).shape
    assert sheer.tensor(data=[1, 2]).tolist() == sheer.as_tensor(data=[1, 2]).tolist() == [1, 2]


def test_ranges_are_indices():
    for key in (range(3), (range(3), [1, 0, 1]), (range(3), range(3)), range(2, -1, -2),
                (slice(None), range(1, 4)), range(0)):
        mine, theirs = (lib.arange(12).reshape(3, 4) for lib in (sheer, torch))
        assert mine[key].tolist() == theirs[key].tolist()
        mine[key] = 9
        theirs[key] = 9
        assert mine.tolist() == theirs.tolist()
    picked = sheer.jit(lambda x: x[range(2), range(2)])(sheer.arange(4).reshape(2, 2))
    assert picked.tolist() == [0, 3]
