"""In-place methods and item assignment: the same programs as in torch, and what is refused."""

import numpy as np
import pytest
import torch
from both import compare, tensors

import sheer
from sheer.graph.errors import SheerError

ARRAYS = {}
PROGRAMS = """
x.add_(1) | x.add_(y, alpha=2) | x.sub_(y) | x.mul_(2).add_(y) | x.div_(3) | x.pow_(2) | x.neg_()
x.exp_() | x.sqrt_()
x.fill_(3) | x.zero_() | x.copy_(y) | x.copy_(y[0]) | x.clamp_(-1, 1) | x.abs_().log_()
x.lerp_(y, 0.5) | x.tril_()
x.masked_fill_(y > 0, 0) | x.index_fill_(0, z, 7.0) | x.index_add_(0, z, y)
x.scatter_(0, z[None], y) | x.relu_()
x.scatter_add_(0, z[None], y) | x.index_copy_(0, z, y) | x.cumsum_(1) | x.fill_diagonal_(5)
x.addcmul_(y, y, value=2)
x.addcdiv_(y, y) | x.index_put_((z,), y) | x.round_() | x.sigmoid_() | x.erf_() | x.fmod_(0.5)
x.atan2_(y) | x.gt_(y)
x += 1 | x -= y | x *= 2 | x /= y | x **= 2 | x //= 2 | x %= 2 | z |= 4 | z &= 1 | z ^= 3 | z <<= 1
z += 1
x[0] = 5 | x[0, 1] = y[0, 0] | x[1:] = y[:2] | x[:, 1] = 0 | x[x > 0] = 0 | x[x > 0] = y[x > 0]
x[z] = y | x[..., 0] += 1
x[0] += y[1] | x[z[:2]] *= 2 | x[:, ::2] -= 1 | x[1, z] = y[0] | x[-1] = x[0] | x[None, 0] = 1
x[0] = y[0] > 0
x[0][1] = 5 | x[0].add_(1) | x.T[0] = 1 | x.view(-1)[3] = 9 | x[1:][0, 1] = 4
x.diagonal().fill_(2) | x.T.mul_(y.T)
x.select(0, 1).zero_() | x.narrow(1, 1, 2).fill_(0) | x.unbind(0)[1].fill_(3)
x.chunk(3)[2].add_(y[2]) | x[0, 1:].neg_()
x.reshape(9)[::2].zero_() | x.unsqueeze(0).squeeze(0).add_(1) | x.flatten().add_(1)
x.detach().mul_(2) | x.data.fill_(1)
r = x[0]; r += 1 | r = x[0]; x += 1; y += r | r = x.T; s = r[1:]; s.zero_(); y.add_(r)
r = x[0].clone(); r += 1
r = x[1]; x[1, 1] = 9; y[0] = r | r = x.view(-1); q = x[0]; q.fill_(3); y += r[:3]
r = x.detach(); x.mul_(2); y += r
r = x + 0; q = r[0]; q += 1; x.add_(r) | r = x[:, 0]; x.copy_(y); x[:, 1] = r
for i in range(3): x[i] = x[i - 1] + y[i]
x[0] = x[1]; x[1] = x[0] * 2; y += x | x.data = y * 2 | x[0], x[1] = x[1].clone(), x[0].clone()
x.T[:] = y
x[z[0]].zero_() | x[z[0]] += 1 | x[z[0]][1] = 5 | x[z[0], 1:].neg_() | x[:, z[1]].fill_(3)
x[z[0], z[1]].zero_() | x.T[z[0]].mul_(2) | x[1:][z[1]].fill_(4) | x[z[0]][z[1]].fill_(4)
r = x[z[0]]; r += 1; x[2, 0] = 9; y.add_(r) | i = z[0].clone(); r = x[i]; i -= 1; r.zero_()
for i in z: x[i].mul_(2) | x[x.sum(1).argmax()].zero_() | z[z[0]].zero_() | x[z[:1]].zero_()
b = x > 0; b[z[0]].zero_(); y[b] = 0 | x[(x[z[0]] > 9).any()].zero_()
"""


def arrays():
    import numpy as np
    rng = np.random.default_rng(3)
    return {"x": rng.normal(size=(3, 3)), "y": rng.normal(size=(3, 3)), "z": np.array([2, 0, 1])}


@pytest.mark.parametrize("text", [
    t.strip() for line in PROGRAMS.strip().splitlines() for t in line.split(" | ")])
def test_a_program_leaves_what_torch_leaves(text):
    results = []
    for lib in (sheer, torch):
        names = {"lib": lib, **tensors(lib, arrays())}
        exec(text, names)
        results.append([names[k] for k in ("x", "y", "z")])
    compare(*results)


@pytest.mark.parametrize("text", [
    "a = w * 2; a += x; a.mul_(x)", "a = w * 2; a[0] = x[0]", "a = x * 1; a[1] = w[1]; a[2] *= 3",
    "a = w * 2; b = a[0]; b.mul_(x[0]); a = a * a", "a = x * 1; a.T[0] = w[2]",
    "a = w.clone(); a[a > 0] = 0",
    "a = w * 2; a.view(-1)[1:4].mul_(5)", "a = (w * 2).masked_fill_(x > 0, 1)",
    "a = w * 3; a.copy_(w * w)",
    "a = w * 1; a.index_add_(0, z, w)", "a = x * 1; b = a[0]; b += w[0]",
    "a = w * 1; a[z[0]].mul_(x[0])", "a = x * 1; a[z[0]][1:] *= w[0, 1:]"])
def test_gradients_pass_through_writes_as_in_torch(text):
    import numpy as np
    grads = []
    for lib in (sheer, torch):
        given = arrays()
        names = {"lib": lib, **tensors(lib, {"x": given["x"], "z": given["z"]})}
        names |= tensors(lib, {"w": given["y"]}, grad=True)
        exec(text, names)
        (names["a"] * names["x"]).sum().backward()
        grads.append(names["w"].grad.numpy())
    np.testing.assert_allclose(grads[0], grads[1], rtol=1e-12)


def refusal(act):
    with pytest.raises(sheer.graph.SheerError) as e:
        act()
    return "\n".join(line for line in str(e.value).splitlines() if "made at" not in line)


def test_writes_to_a_leaf_that_requires_a_gradient_are_refused_outside_no_grad():
    w = sheer.ones(2, requires_grad=True)
    want = ("{op}: {what} that requires a gradient\n"
            "  need  : no_grad around a write to a weight, or a new tensor\n"
            "  try   : with sheer.no_grad(): x.add_(...)\n  more  : sheer explain E613")
    assert refusal(lambda: w.add_(1)) == want.format(op="add_", what="this is a leaf")
    assert refusal(lambda: w.__setitem__(0, 1)) == want.format(op="setitem", what="this is a leaf")
    assert refusal(lambda: w[0].fill_(0)) == want.format(op="fill_",
                                                         what="this is a view of a leaf")
    assert refusal(lambda: w.view(2, 1).mul_(0)) == want.format(op="mul_",
                                                                what="this is a view of a leaf")
    with sheer.no_grad():
        w[0].fill_(5)
        w += 1
    w.data[1] = 0
    w.data.mul_(2)
    assert w.tolist() == [12.0, 0.0]
    assert w.requires_grad
    assert w.is_leaf
    (w * w).sum().backward()
    assert w.grad.tolist() == [24.0, 0.0]


def test_a_write_past_the_gradient_of_a_computed_tensor_is_refused():
    a = sheer.ones(2, requires_grad=True) * 2
    want = ("{op}: {which} a computed tensor that requires a gradient, which the write would "
            "pass by\n"
            "  need    : a write outside of no_grad and detach(), or a copy\n"
            "  try     : x.detach().clone() and write to that\n  more    : sheer explain E620")
    assert refusal(lambda: a.detach().mul_(2)) == want.format(op="mul_", which="this is a view of")
    with sheer.no_grad():
        assert refusal(lambda: a.mul_(2)) == want.format(op="mul_", which="this is")
    assert a.detach().clone().mul_(2).tolist() == [4.0, 4.0]


def test_a_write_through_repeated_elements_is_refused():
    x = sheer.tensor([1.0, 2.0])
    assert refusal(lambda: x.expand(3, 2).add_(1)) == (
        "add_: several elements of this view are one element of its base\n"
        "  need : a view without repeated elements\n"
        "  try  : x.expand(...).clone() and write to that\n  more : sheer explain E614")
    assert x.expand(3, 2).clone().add_(1).sum().item() == 15.0


def test_results_that_do_not_fit_are_refused():
    x, i = sheer.zeros(2), sheer.arange(2)
    assert refusal(lambda: x.add_(sheer.ones(3, 2))) == (
        "add_: the result has shape (3, 2), the tensor (2,)\n"
        "  need  : one shape: a tensor keeps its own\n  more  : sheer explain E616")
    assert refusal(lambda: i.add_(1.5)) == (
        "add_: float32 does not go into int64\n  need  : a result that is int64\n"
        "  try   : x = x + y, a new tensor\n  more  : sheer explain E616")
    assert i.add_(sheer.tensor([1, 1], dtype="int8")).tolist() == [1, 2]
    assert i.dtype == sheer.int64


def test_views_outlive_their_base_and_copies_are_apart():
    row = (sheer.ones(2, 2) * 3)[0]
    row += 1                                              # nobody else can see these elements
    assert row.tolist() == [4.0, 4.0]
    x = sheer.zeros(2, 2)
    for copy in (x.clone(), x[0].clone(), x + 0, x.flip(0), x.T.contiguous(), x.repeat(1, 1),
                 x[[0, 1]]):
        copy.fill_(7)
    assert x.sum().item() == 0.0


def test_elements_in_reverse_order_are_a_view():
    x = sheer.tensor([1.0, 2.0, 3.0])
    x[::-1][:2].mul_(10)
    assert x.tolist() == [1.0, 20.0, 30.0]


def test_a_traced_function_writes_through_places_it_computes():
    @sheer.jit
    def change(x, at):
        y = x * 1
        y[at].mul_(3)
        y[at + 1][0] = 9
        return y
    for at in (0, 1):
        want = np.ones((3, 2))
        want[at], want[at + 1, 0] = 3, 9
        np.testing.assert_array_equal(change(sheer.ones(3, 2), sheer.tensor(at)).numpy(), want)


def test_a_view_at_a_computed_place_is_written_to_inside_a_traced_function():
    x = sheer.ones(3, 2)
    row = x[sheer.arange(3).sum() - 2]
    @sheer.jit
    def change(a):
        row.add_(a)
        return x.sum()
    assert [change(sheer.tensor(2.0)).item() for _ in range(2)] == [10.0, 14.0]
    assert x.tolist() == [[1, 1], [5, 5], [1, 1]]


def test_a_view_is_derived_again_only_after_a_write():
    x = sheer.ones(3, 3)
    y = x[0]
    before = y.node
    assert y.node is before
    x.numpy()
    assert y.node is before                               # evaluated, not written to
    x.add_(1)
    assert y.node is not before
    assert y.tolist() == [2.0, 2.0, 2.0]


WRONG = {
    "an index": lambda x: x.__setitem__(sheer.tensor([0, 9]), 0.0),
    "an index of a view": lambda x: x[1:].__setitem__(sheer.tensor([9]), 0.0),
    "a place to add at": lambda x: x.index_add_(0, sheer.tensor([9]), sheer.ones(1, 2)),
    "a value": lambda x: x.copy_(x[sheer.tensor([9, 9, 9])]),
    "a matrix": lambda x: x[:2].copy_(sheer.linalg.inv(sheer.zeros(2, 2))),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_write_that_fails_on_values_changes_nothing(what):
    x = sheer.arange(6.0).reshape(3, 2)
    with pytest.raises(SheerError):
        WRONG[what](x)
    np.testing.assert_array_equal(x.numpy(), np.arange(6).reshape(3, 2))
