"""What users see when they ask for something that does not fit or does not exist: whole texts."""

import copy
import inspect
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_tensor_inplace import refusal

import sheer
from sheer import ops
from sheer.graph.errors import ShapeError
from sheer.nn import functional as F


@pytest.mark.parametrize(("act", "text"), [
    (lambda: sheer.ones(2).sofmax(0), "Tensor: there is no sofmax\n  need : a name that sheer has\n"
     "  try  : Tensor.softmax\n  try  : Tensor.fmax\n  try  : Tensor.log_softmax\n"
     "  more : sheer explain E190"),
    (lambda: sheer.lineair, "sheer: there is no lineair\n  need : a name that sheer has\n"
     "  try  : sheer.bilinear\n  try  : sheer.inner\n  try  : sheer.linalg\n"
     "  more : sheer explain E190"),
    (lambda: sheer.ones(2, 3).sum(2),
     "sum: there is no axis 2\n  need : -2 <= dim < 2\n  more : sheer explain E110"),
    (lambda: sheer.ones(2, 3).sum((0, -2)), "sum: axes (0, -2) do not all exist once\n"
     "  need : different axes from (0, 1)\n  more : sheer explain E110"),
    (lambda: sheer.arange(3).mean(), "mean: has no meaning for int64\n  need : float32 or float64\n"
     "  try  : x.float().mean()\n  more : sheer explain E105"),
    (lambda: sheer.arange(3).softmax(0),
     "softmax: has no meaning for int64\n  need : float32 or float64\n"
     "  try  : x.float().softmax(dim)\n  more : sheer explain E105"),
    (lambda: sheer.ones(2, 3).split([1, 1], 1), "split: sizes [1, 1] do not add up to 3\n"
     "  need : sizes with sum 3\n  more : sheer explain E111"),
    (lambda: sheer.ones(2, 3).mm(sheer.ones(3)),
     "mm: operands have other numbers of axes than it is for\n"
     "  need : a matrix and a matrix\n  try  : matmul, which takes vectors, matrices and batches\n"
     "  more : sheer explain E107"),
    (lambda: sheer.ones(2).div(1, rounding_mode="up"), "div: there is no rounding_mode 'up'\n"
     '  need : None, "floor" or "trunc"\n  more : sheer explain E191'),
    (lambda: sheer.ones(2).clamp(), "clamp: neither min nor max is given\n  need : at least one\n"
     "  more : sheer explain E191"),
    (lambda: sheer.cat([]),
     "cat: there are no tensors\n  need : at least one\n  more : sheer explain E118"),
    (lambda: sheer.ones(2).cuda(), "device: there is no cuda here: sheer computes on the CPU\n"
     '  need : device("cpu")\n  try  : x.to("cpu")\n  more : sheer explain E615'),
    (lambda: sheer.ones(2).view(sheer.int32),
     "view: elements are not reinterpreted as another dtype\n"
     "  dtype: i32\n  need : a shape\n  try  : x.to(dtype), which converts the numbers\n"
     "  more : sheer explain E191"),
    (lambda: sheer.finfo(sheer.int8),
     "finfo: has no meaning for int8\n  need : float32 or float64\n"
     "  try  : iinfo(int8)\n  more : sheer explain E105"),
    (lambda: sheer.ones(3).kthvalue(4),
     "kthvalue: k 4 is outside an axis of length 3\n  need : 1 <= k <= 3\n"
     "  more : sheer explain E135"),
    (lambda: sheer.ones(3).quantile(2.0),
     "quantile: q = 2.0\n  need : 0 <= q <= 1\n  more : sheer explain E191"),
    (lambda: sheer.arange(0, 1, 0),
     "arange: a step of 0\n  need : a step that moves\n  more : sheer explain E191"),
    (lambda: sheer.arange(12).reshape(-1, -1),
     "reshape: (-1, -1) leaves more than one length open\n  need : at most one -1\n"
     "  more : sheer explain E111"),
    (lambda: sheer.broadcast_shapes((2,), (3,)),
     "broadcast_shapes: shapes (2,) and (3,) do not broadcast\n"
     "  need : equal lengths, or 1, on every axis counted from the last\n"
     "  more : sheer explain E102"),
    (lambda: sheer.linalg.qr(sheer.ones(2, 2), mode="raw"),
     "qr: there is no mode 'raw'\n"
     "  need : \"reduced\", \"complete\" or \"r\"\n  more : sheer explain E191"),
    (lambda: sheer.set_default_dtype("float64"),
     "set_default_dtype: the default is float32, not float64\n"
     "  need : float32, or a dtype where tensors and models are made\n"
     "  try  : model.double() and dtype=sheer.float64\n  more : sheer explain E170"),
    (lambda: sheer.isdtype(sheer.int8, "float"),
     "isdtype: there is no kind 'float'\n  need : bool, signed integer, "
     "unsigned integer, integral, real floating, complex floating, numeric\n"
     "  more : sheer explain E191"),
])
def test_the_whole_text(act, text):
    assert refusal(act) == text


X = sheer.arange(12.0)
IMAGE = X.reshape(1, 4, 1, 3)


@pytest.mark.parametrize(("act", "first"), [
    (lambda: sheer.zeros(2, -1), "zeros: an axis of length -1"),
    (lambda: sheer.zeros(-1) + 1, "zeros: an axis of length -1"),
    (lambda: sheer.jit(lambda x: x + sheer.zeros(-1))(X), "zeros: an axis of length -1"),
    (lambda: sheer.ones((2, -1)), "ones: an axis of length -1"),
    (lambda: sheer.empty(size=(-1,)), "empty: an axis of length -1"),
    (lambda: sheer.full((-1,), 2), "full: an axis of length -1"),
    (lambda: sheer.eye(-3), "eye: an axis of length -3"),
    (lambda: sheer.eye(3, -1), "eye: an axis of length -1"),
    (lambda: sheer.tril_indices(-1, 3), "tril_indices: an axis of length -1"),
    (lambda: sheer.triu_indices(2, -3), "triu_indices: an axis of length -3"),
    (lambda: sheer.rand(-2), "rand: an axis of length -2"),
    (lambda: sheer.randn(2, -2), "randn: an axis of length -2"),
    (lambda: sheer.randint(0, 4, (-3,)), "randint: an axis of length -3"),
    (lambda: sheer.normal(0.0, 1.0, (-1,)), "normal: an axis of length -1"),
    (lambda: sheer.multinomial(X, -1, replacement=True), "multinomial: an axis of length -1"),
    (lambda: X.new_zeros(-1), "new_zeros: an axis of length -1"),
    (lambda: X.new_ones(-1), "new_ones: an axis of length -1"),
    (lambda: X.new_empty(-1), "new_empty: an axis of length -1"),
    (lambda: X.new_full((-1,), 1), "new_full: an axis of length -1"),
    (lambda: sheer.vander(X, -2), "vander: an axis of length -2"),
    (lambda: X.reshape(-2, -6), "reshape: an axis of length -6"),
    (lambda: X.view(-2, -6), "view: an axis of length -6"),
    (lambda: X.unflatten(0, (-2, -6)), "unflatten: an axis of length -6"),
    (lambda: X.expand(-5, 12), "expand: an axis of length -5"),
    (lambda: X.expand(-1, 12), "expand: an axis of length -1"),
    (lambda: X.broadcast_to((-2, 12)), "broadcast_to: an axis of length -2"),
    (lambda: X.repeat(-2), "repeat: an axis of length -2"),
    (lambda: X.tile(-2), "tile: an axis of length -2"),
    (lambda: X.repeat_interleave(-1), "repeat_interleave: an axis of length -1"),
    (lambda: X.repeat_interleave(sheer.full((12,), -1)), "repeat_interleave: an axis of length -1"),
    (lambda: X.histc(bins=-1), "histc: -1 bins"),
    (lambda: X.histogram(bins=-2), "histogram: -2 bins"),
    (lambda: sheer.bincount(sheer.arange(3), minlength=-5), "bincount: minlength=-5"),
    (lambda: sheer.combinations(X, -2), "combinations: groups of -2"),
    (lambda: F.one_hot(sheer.arange(3), -5), "one_hot: num_classes=-5"),
    (lambda: F.interpolate(IMAGE, scale_factor=-2), "interpolate: an image of size (-2, -6)"),
    (lambda: F.interpolate(IMAGE, size=0), "interpolate: an image of size (0, 0)"),
    (lambda: F.pixel_shuffle(IMAGE, -2), "pixel_shuffle: a factor of -2"),
    (lambda: F.pixel_unshuffle(IMAGE, -1), "pixel_unshuffle: a factor of -1"),
    (lambda: F.affine_grid(sheer.zeros(1, 2, 3), (1, 1, -2, 2)),
     "affine_grid: an axis of length -2"),
    (lambda: F.max_unpool1d(IMAGE[0, :, 0], sheer.zeros(4, 3, dtype=sheer.int64), 2,
                            output_size=(-2,)), "max_unpool1d: an axis of length -2"),
    (lambda: sheer.zeros((1,) * 65), "zeros: 65 axes"),
    (lambda: sheer.zeros(2.5), "zeros: there is something that is no whole number"),
    (lambda: sheer.zeros("3"), "zeros: there is something that is no whole number"),
    (lambda: X.reshape(3.0, 4), "reshape: there is something that is no whole number"),
])
def test_a_size_that_no_tensor_has_is_refused_by_the_operation_that_was_called(act, first):
    assert refusal(act).split("\n")[0] == first


def one(*places):
    return sheer.tensor(places)


@pytest.mark.parametrize(("act", "text"), [
    (lambda: sheer.cat(["a"]), "cat: there are no tensors of texts"),
    (lambda: sheer.cat(X, X), "cat: one tensor alone\n  need : a list or tuple of tensors\n"
     "  try  : cat([x, y])"),
    (lambda: sheer.cat([X, X], X), "cat: dim is a Tensor"),
    (lambda: sheer.cat([sheer.ones(2, 2), sheer.ones(3, 3)]),
     "cat: the arrays differ outside axis 0"),
    (lambda: sheer.stack([sheer.ones(2), sheer.ones(3)]), "stack: the tensors differ in shape"),
    (lambda: sheer.stack(X), "stack: one tensor alone"),
    (lambda: sheer.einsum(X, "ij"), "einsum: the equation is a Tensor"),
    (lambda: sheer.cdist(sheer.ones(2, 3), sheer.ones(2, 4)),
     "cdist: these are no rows of one length"),
    (lambda: X.index_add(0, one(12), one(1.0)).numpy(), "index_add: index 12 at position (0,) is "
     "outside axis 0 of length 12\n  need  : 0 <= index < 12"),
    (lambda: X.index_add(0, one(-1), one(1.0)).numpy(), "index_add: index -1"),
    (lambda: X.index_copy(0, one(12), one(1.0)).numpy(), "index_copy: index 12"),
    (lambda: X.index_fill(0, one(12), 1).numpy(), "index_fill: index 12"),
    (lambda: sheer.zeros(0).median(), "median: nothing to choose from"),
    (lambda: sheer.zeros(2, 0).nanmedian(1), "nanmedian: nothing to choose from"),
    (lambda: sheer.zeros(2, 0).mode(), "mode: nothing to choose from"),
])
def test_an_error_names_the_operation_that_was_called(act, text):
    assert refusal(act).startswith(text)


NAN, INF = float("nan"), float("inf")
WHOLE = sheer.arange(3)


@pytest.mark.parametrize(("act", "first"), [
    (lambda: X.sum("a"), "sum: dim is a str"),
    (lambda: X.sum(1.0), "sum: dim is a float"),
    (lambda: X.sort(dim="a"), "sort: dim is a str"),
    (lambda: IMAGE.sum(dim=0, axis=1), "sum: one argument under two names"),
    (lambda: sheer.arange(0, NAN), "arange: from 0 to nan in steps of 1"),
    (lambda: sheer.arange(0, INF), "arange: from 0 to inf in steps of 1"),
    (lambda: X.chunk(0), "chunk: 0 pieces"),
    (lambda: X.tensor_split(0), "tensor_split: 0 pieces"),
    (lambda: X.unfold(0, 2, 0), "unfold: size 2 and step 0 on an axis of length 12"),
    (lambda: X.unfold(0, 13, 1), "unfold: size 13 and step 1 on an axis of length 12"),
    (lambda: X.unfold(0, -2, 1), "unfold: size -2 and step 1 on an axis of length 12"),
    (lambda: IMAGE.repeat(2), "repeat: 1 repeats for 4 axes"),
    (X.tril, "tril: has no meaning for 1 axes"),
    (X.triu, "triu: has no meaning for 1 axes"),
    (IMAGE.diag, "diag: has no meaning for 4 axes"),
    (lambda: sheer.meshgrid(IMAGE, X), "meshgrid: has no meaning for 4 axes"),
    (lambda: X.norm(p="foo"), "norm: there is no norm 'foo'"),
    (lambda: X.roll("a"), "roll: there is something that is no whole number"),
    (lambda: "a" in X, "in: str is neither a tensor nor a number"),
    (lambda: X.clone().__setitem__(0, "a"), "setitem: str is neither a tensor nor a number"),
    (lambda: X.clone().__setitem__(0, None), "setitem: NoneType is neither a tensor nor a number"),
    (lambda: X.masked_select(sheer.tensor([True])[:0].repeat(2)),
     "masked_select: shapes (12,) and (0,) do not broadcast"),
    (lambda: X.masked_select(X), "masked_select: the mask is no tensor of bools"),
    (lambda: X.masked_scatter(sheer.tensor([True] * 12), X[:5]),
     "masked_scatter: 5 elements for 12 places"),
    (lambda: sheer.manual_seed("a"), "manual_seed: 'a' is no seed"),
    (lambda: sheer.manual_seed(None), "manual_seed: None is no seed"),
    (lambda: sheer.manual_seed(1.7), "manual_seed: 1.7 is no seed"),
    (lambda: sheer.multinomial(one(-1.0, 1.0), 1),
     "multinomial: weights that are negative, infinite, NaN or all 0"),
    (lambda: sheer.multinomial(one(0.0, 0.0), 1),
     "multinomial: weights that are negative, infinite, NaN or all 0"),
    (lambda: sheer.multinomial(one(NAN, 1.0), 1),
     "multinomial: weights that are negative, infinite, NaN or all 0"),
    (lambda: sheer.bernoulli(one(3.0)), "bernoulli: the elements are no probabilities"),
    (lambda: WHOLE // 0, "floor_divide: integers divided by 0"),
    (lambda: WHOLE % 0, "remainder: integers divided by 0"),
])
def test_what_torch_refuses_is_refused_with_a_reason(act, first):
    assert refusal(act).split("\n")[0] == first


def test_running_results_of_a_number_are_tensors_of_their_own():
    x = sheer.tensor(2.0)
    for made in (x.cumsum(0), x.cumprod(0)):
        made.add_(1)
        assert (made.item(), x.item()) == (3.0, 2.0)


def test_tensors_assigned_in_a_list_get_their_gradients():
    a, b = (sheer.tensor(n, requires_grad=True) for n in (1.0, 2.0))
    x = sheer.zeros(3)
    x[0:2] = [a, b]
    (x * sheer.tensor([3.0, 5.0, 7.0])).sum().backward()
    assert (x.tolist(), a.grad.item(), b.grad.item()) == ([1.0, 2.0, 0.0], 3.0, 5.0)


@pytest.mark.parametrize(("act", "first"), [
    (lambda: sheer.arange(3) + 2**63, "add: int64 cannot hold 9223372036854775808"),
    (lambda: sheer.zeros(2, dtype=sheer.uint8) == 300, "eq: uint8 cannot hold 300"),
    (lambda: sheer.full((2,), -1, dtype=sheer.uint8), "full: uint8 cannot hold -1"),
])
def test_a_number_that_the_dtype_of_the_other_operand_cannot_hold(act, first):
    assert refusal(act).split("\n")[0] == first


@pytest.mark.parametrize("prim", [
    ops.Iota(-1, sheer.int64), lambda: ops.Reshape((-2, -6))(X.node),
    lambda: ops.Expand((-5, 12))(X.node),
    lambda: ops.random.Uniform((-1,), sheer.float32)(sheer.Generator().state.node)])
def test_no_node_has_a_negative_length(prim):
    with pytest.raises(ShapeError) as error:
        prim()
    assert error.value.code == "E119"


def test_a_size_goes_by_its_name():
    made = [make(size=(2, 3)) for make in (sheer.zeros, sheer.ones, sheer.empty, sheer.rand,
                                           sheer.randn, X.new_zeros, X.new_ones, X.new_empty)]
    assert {x.shape for x in made} == {(2, 3)}


def test_missing_names_are_attribute_errors_that_protocols_can_ask_for():
    x = sheer.ones(2)
    assert not hasattr(x, "nonsense")
    assert getattr(x, "_repr_svg_", None) is None
    assert getattr(sheer, "float16", None) is None
    with pytest.raises(ImportError):
        exec("from sheer import float16")


def test_copies_and_pickles_keep_values_dtype_and_gradient():
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x)):
        assert (y.tolist(), y.dtype, y.requires_grad, y is x) == ([1.0, 2.0], sheer.float32, True,
                                                                  False)
        with sheer.no_grad():
            y.fill_(0)
    assert x.tolist() == [1.0, 2.0]


def test_numpy_and_torch_meet_tensors():
    x = sheer.tensor([[1.0, 2.0], [3.0, 4.0]])
    array = np.ones((2, 2), np.float32)
    for made in (array + x, x + array, array @ x, array * x, array > x):
        assert isinstance(made, sheer.Tensor)
    assert isinstance(np.sin(x), np.ndarray)
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, np.float64).tolist() == x.tolist()
    assert torch.from_dlpack(x).tolist() == x.tolist()
    shared = torch.from_dlpack(x)
    shared.zero_()
    assert x[0, 0].item() == 1.0                              # a copy: writes stay apart
    assert sheer.from_dlpack(torch.arange(3)).tolist() == [0, 1, 2]
    assert sheer.from_numpy(np.zeros(2)).dtype == sheer.float64
    assert sheer.asarray(torch.ones(2)).tolist() == [1.0, 1.0]
    assert x.__dlpack_device__() == (1, 0)


def test_functions_are_methods_with_names_texts_and_signatures():
    for name in sheer.namespace.functions:
        made, method = getattr(sheer, name), getattr(sheer.Tensor, name)
        assert made.__doc__ == method.__doc__, name
        assert next(iter(inspect.signature(made).parameters)) == "input"
    assert sheer.sum(input=[1, 2], axis=0).item() == 3
    assert list(inspect.signature(sheer.cumsum).parameters) == ["input", "dim", "dtype"]


def test_python_asks_and_tensors_answer():
    x = sheer.arange(3)
    assert [int(t) for t in x] == [0, 1, 2]
    nothing = None
    assert (2 in x, 5 in x, x == nothing, x != "a", len(x)) == (True, False, False, True, 3)
    assert list(range(10))[x[2]] == 2
    assert (bool(x[1]), float(x[2]), f"{x[1].float():.2f}") == (True, 2.0, "1.00")
    assert x.device == sheer.device("cpu")
    assert x.type() == "sheer.LongTensor"
    with pytest.raises(TypeError, match="iteration over a tensor of shape"):
        iter(sheer.tensor(1))


def test_grad_mode_contexts():
    w = sheer.ones(1, requires_grad=True)
    with sheer.set_grad_enabled(False):
        assert not (w * 2).requires_grad
    assert (w * 2).requires_grad
    with sheer.inference_mode():
        assert not (w * 2).requires_grad
    sheer.set_grad_enabled(False)
    assert not sheer.is_grad_enabled()
    sheer.set_grad_enabled(True)
    assert sheer.is_grad_enabled()


def test_importing_is_fast_and_light(tmp_path):
    # with bytecode, as everybody has it: where none may be written, each import compiles anew
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    text = ("import time, sys; a = time.process_time(); import sheer; b = time.process_time() - a; "
            "heavy = {'hypothesis', 'scipy', 'matplotlib', 'rich', 'torch', 'llvmlite'}; "
            "print(b, sorted(heavy & {*sys.modules}))")
    said = [subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=env,
                           check=True).stdout.strip().split(" ", 1) for _ in range(4)]
    assert {modules for _, modules in said} == {"[]"}
    assert min(float(seconds) for seconds, _ in said) < 0.4


@pytest.mark.parametrize(("make", "right"), [
    (lambda: sheer.Tensor(2, 3), "sheer.empty(2, 3)"), (lambda: sheer.Tensor(5), "sheer.empty(5)"),
    (lambda: sheer.Tensor([1.0]), "sheer.tensor([1.0])"),
    (lambda: sheer.jit(lambda x: sheer.Tensor(2, 3))(sheer.ones(1)), "sheer.empty(2, 3)"),
    (lambda: sheer.Tensor(sheer.ones(2).numpy()), "sheer.tensor(array([1., 1.], dtype=float32))")])
def test_tensors_are_not_made_by_calling_their_class(make, right):
    assert refusal(make) == (
        "Tensor: tensors are not made by calling their class\n"
        "  need : sheer.tensor(values), or sheer.empty(2, 3) for sizes\n"
        f"  try  : {right}\n  more : sheer explain E191")


def test_singular_matrices_raise_linalgerror():
    with pytest.raises(sheer.linalg.LinAlgError, match="singular"):
        sheer.linalg.inv(sheer.zeros(2, 2)).numpy()
    with pytest.raises(sheer.linalg.LinAlgError, match="not positive"):
        sheer.linalg.cholesky(-sheer.eye(2)).numpy()
