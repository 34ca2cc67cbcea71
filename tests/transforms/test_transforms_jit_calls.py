"""Calls of a compiled function after the first: signs of zero, lines of errors, what lives on."""

import gc
from weakref import ref

import numpy as np
import pytest

import sheer
from sheer import jit, nn
from sheer.graph.errors import BoundsError, NumericError
from sheer.transforms import trace

# ---- zero and not a number ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.float16])
def test_the_sign_of_zero_counts(kind):
    f = jit(lambda x, k: x / k)
    one = sheer.ones(())
    assert [f(one, kind(k)).item() for k in (0.0, -0.0, 0.0, -0.0)] == [np.inf, -np.inf] * 2
    nan = kind(np.nan)
    assert np.isnan([f(one, k).item() for k in (nan, kind(np.nan))]).all()
    assert f.traces == 3


def test_the_sign_of_the_zeros_of_a_complex_number_counts():
    f = jit(lambda x, k: x / k.imag)
    assert [f(sheer.ones(()), complex(0, k)).item() for k in (0.0, -0.0)] == [np.inf, -np.inf]


def test_the_sign_of_zero_of_a_value_from_outside_counts():
    mode = {"k": 0.0}
    f = jit(lambda x: x / trace.current().guard(lambda: mode["k"]))
    found = []
    for mode["k"] in (0.0, -0.0, 0.0, -0.0):
        found.append(f(sheer.ones(())).item())
    assert found == [np.inf, -np.inf] * 2
    for mode["k"] in (np.float32("nan"), np.float32("nan")):
        f(sheer.ones(()))
    assert f.traces == 3


# ---- the lines of an error ---------------------------------------------------------------------


def said(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return dict(line.strip().split(":", 1) for line in str(caught.value).splitlines()[1:])


@pytest.mark.parametrize("ready", [0, 1, 2])            # with 2, the direct way is taken
def test_an_error_names_the_operands_of_its_own_call(ready):
    f = jit(lambda x, i: x[i])
    for _ in range(ready):
        f(sheer.ones(5), sheer.tensor([0, 1]))  # good
    x = sheer.ones(5)  # this x
    i = sheer.tensor([1, 9])  # this i
    rows = said(BoundsError, lambda: f(x, i).numpy())
    assert rows["x     "].endswith("x = sheer.ones(5)  # this x")
    assert rows["index "].endswith("i = sheer.tensor([1, 9])  # this i")
    assert rows["result"].endswith("f = jit(lambda x, i: x[i])")


def test_so_it_does_for_arguments_in_a_tree_and_by_name():
    f = jit(lambda pair, *, more: sheer.linalg.cholesky(pair["a"][0] + more))
    f({"a": (sheer.eye(2),)}, more=sheer.zeros(2, 2))
    g = jit(lambda pair: sheer.linalg.cholesky(pair["a"][0]))
    g({"a": [sheer.eye(2)]})
    bad = -sheer.eye(2)  # this one
    rows = said(NumericError, lambda: g({"a": [bad]}).numpy())
    assert rows["a     "].endswith("bad = -sheer.eye(2)  # this one")
    assert "a     " in said(NumericError, lambda: f({"a": (bad,)}, more=sheer.zeros(2, 2)).numpy())


# ---- what lives on -----------------------------------------------------------------------------


class Plain:
    def __init__(self):
        self.w = sheer.ones(2)

    @jit
    def call(self, x):
        return self.w * x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.drop = nn.Linear(2, 2), nn.Dropout(0.5)

    @jit
    def forward(self, x):
        return self.drop(self.linear(x)) * (2 if self.training else 1)

    @property
    def w(self):
        return self.linear.weight


class Trainer:
    def __init__(self):
        self.model = nn.Linear(2, 2)
        self.w, self.optimizer = self.model.weight, sheer.optim.Adam(self.model.parameters())

    @jit
    def call(self, x):
        self.optimizer.zero_grad()
        loss = self.model(x).sum()
        loss.backward()
        self.optimizer.step()
        return loss


@pytest.mark.parametrize(("kind", "call"), [
    (Plain, Plain.call), (Net, Net.forward), (Trainer, Trainer.call),
    (Plain, jit(lambda m, x: m.w * x)), (nn.Linear, jit(lambda m, x: m(x))),
])
def test_a_compiled_method_keeps_no_instance_alive(kind, call):
    gone = []
    for _ in range(3):
        made = kind(2, 2) if kind is nn.Linear else kind()
        for _ in range(2):
            call(made, sheer.ones(3, 2))
        gone += [ref(made), ref(made.weight if kind is nn.Linear else made.w)]
    traces = call.traces
    call(made, sheer.ones(3, 2))
    assert call.traces == traces                          # as long as it lives it is remembered
    assert made is gone[-2]()
    del made
    gc.collect()
    assert [r() for r in gone] == [None] * 6


def test_places_of_what_is_gone_are_cleared_away():
    f = jit(lambda m, x: m.w * x)
    for _ in range(5):
        f(Plain(), sheer.ones(2))
    kept = Plain()
    assert f(kept, sheer.ones(2)).tolist() == [1.0, 1.0]
    gc.collect()
    f(Plain(), sheer.ones(2))
    assert sum(map(len, f._cache.values())) <= 2
    assert len(f._cache) <= 2
    traces = f.traces
    f(kept, sheer.ones(2))
    assert f.traces == traces


def test_a_setting_of_a_module_that_is_gone_has_changed():
    class Scale(nn.Module):
        def __init__(self, k):
            super().__init__()
            self.k = k

        def forward(self, x):
            return x * self.k

    places = [Scale(2.0)]
    f = jit(lambda x: places[0](x) * 1)
    assert f(sheer.ones(())).item() == 2.0
    places[0] = Scale(3.0)
    assert f(sheer.ones(())).item() == 3.0


class Scale(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        return x * self.k


def test_a_number_that_a_module_holds_may_change():
    scale = Scale(2.0)
    f = jit(scale)
    assert [f(sheer.ones(())).item(), f(sheer.ones(())).item()] == [2.0, 2.0]
    scale.k = 3.0
    assert [f(sheer.ones(())).item(), f(sheer.ones(())).item()] == [3.0, 3.0]
    scale.k = 2.0
    assert (f(sheer.ones(())).item(), f.traces) == (2.0, 2)          # the first form serves again


def test_assignments_that_change_nothing_ask_for_no_trace():
    scale, other = Scale(2.0), Scale(1.0)
    f = jit(scale)
    for i in range(5):
        scale.k, other.k = 2.0, float(i)
        f(sheer.ones(()))
    assert f.traces == 1


def test_a_module_that_counts_its_calls_is_traced_once():
    class Counting(Scale):
        def forward(self, x):
            self.k += 1
            return x * 1

    counting = Counting(0)
    f = jit(counting)
    for _ in range(4):
        f(sheer.ones(()))
    assert (f.traces, counting.k) == (1, 1)


def test_a_module_made_inside_is_made_anew_only_in_a_trace():
    @jit
    def f(x):
        return nn.LeakyReLU(0.5)(x)

    for _ in range(3):
        assert f(sheer.tensor(-1.0)).item() == -0.5
    assert f.traces == 1


def test_a_number_changed_between_epochs_of_fit_is_seen():
    """Annealing: the weight of a term changes from epoch to epoch."""
    model = nn.Sequential(nn.Linear(1, 1), Scale(1.0))

    class Change(sheer.train.Callback):
        def on_epoch_end(self, trainer, row):
            model[1].k = 0.0

    x = np.ones((4, 1), np.float32)
    run = sheer.train.fit(model, (x, x * 5), epochs=2, loss=nn.MSELoss(), callbacks=Change(),
                          optimizer=sheer.optim.SGD(model.parameters(), lr=1e-3), progress=False)
    first, second = run.column("loss")
    assert first != second == 25.0


def test_what_a_function_assigns_after_the_module_ran_is_no_change():
    scale, other = Scale(2.0), Scale(1.0)

    @jit
    def step(x):
        out = scale(x)
        scale.k += 1
        return out

    for _ in range(4):
        other.k += 1                                    # somebody assigns: the values are looked at
        assert step(sheer.ones(())).item() == 2.0
    assert (step.traces, scale.k) == (1, 3.0)
