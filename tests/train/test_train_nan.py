"""A loss or weight that is not finite: training stops, names the culprit, keeps the weights."""

import inspect

import numpy as np
import pytest

import sheer
import sheer.nn.functional as F
from sheer import nn, optim
from sheer.graph.errors import NumericError
from sheer.random import manual_seed
from sheer.train import fit, lr_range_test
from sheer.train import plan as plan_module

ROWS = np.arange(40, dtype=np.float32)[:, None]                  # one input: the number of the row


class Inner(nn.Module):
    """Where it goes wrong, two levels down."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.scale = nn.Parameter(sheer.tensor([1.0]))

    def forward(self, x):
        return self.function(x * self.scale)


class Outer(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.body = nn.Sequential(nn.Identity(), Inner(function))

    def forward(self, x):
        return self.body(x)


def broken(function, x=ROWS, lr=0.0, loss=lambda out, y: out.mean(), **options):
    """The error of a training without shuffling, one row per update, and the model after it."""
    manual_seed(0)
    model = Outer(function)
    optimizer = options.pop("optimizer", lambda p: optim.SGD(p, lr=lr))(model.parameters())
    with pytest.raises(NumericError) as caught:
        fit(model, (x, np.zeros(len(x), np.int64)), loss=loss, optimizer=optimizer, epochs=2,
            batch_size=1,
            shuffle=False, progress=False, **options)
    return caught.value, model


def line_of(function):
    return f"test_train_nan.py:{inspect.getsourcelines(function)[1] + 1}"


def log_of_negative(x):
    return (12.5 - x).log()


def division_by_zero(x):
    return 1 / (x - 7)


def zero_by_zero(x):
    return (x - 7) / (x - 7)


def overflow(x):
    return (x * 20).exp()


def root_of_negative(x):
    return (3.5 - x).sqrt()


CASES = {                        # function: update at which it happens, operation, what came out
    log_of_negative: (14, "log", "1 NaN"),
    division_by_zero: (8, "div", "1 infinite"),
    zero_by_zero: (8, "div", "1 NaN"),
    overflow: (6, "exp", "1 infinite"),
    root_of_negative: (5, "sqrt", "1 NaN"),
}


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
@pytest.mark.system("Exploding gradients")
def test_the_step_the_operation_the_layer_and_the_line(function):
    step, op, what = CASES[function]
    error, _ = broken(function)
    text = str(error)
    assert error.code == "E701"
    assert f"epoch 1, update {step} of 40" in text
    assert error.got["first"].startswith(f"{op}: {what}")
    assert error.got["layer"] == "body.1"
    assert line_of(function) in text
    assert inspect.getsource(function).split("\n")[1].strip() in text


def test_the_whole_message():
    error, _ = broken(log_of_negative)
    line = line_of(log_of_negative)
    assert str(error) == f"""\
fit: the loss became nan
  step   : epoch 1, update 14 of 40
  first  : log: 1 NaN of 1 values, first at (0, 0)
  result : f32[1, 1]      made at {line} in body.1  return (12.5 - x).log()
  input 0: f32[1, 1]      made at {line} in body.1  return (12.5 - x).log()
  layer  : body.1
  need   : finite numbers; weights are those before this step
  try    : a loss that takes logits, or log(x.clamp(min=1e-7))
  more   : sheer explain E701"""


@pytest.mark.parametrize("slices", ["one program", "one update each"])
def test_weights_and_state_are_those_before_the_step(slices, monkeypatch):
    if slices == "one update each":
        monkeypatch.setattr(plan_module, "SLICE_SECONDS", 0.0)
    options = {"optimizer": lambda p: optim.Adam(p, lr=1e-3),
               "loss": lambda out, y: (out * 1e-2).sum()}
    error, model = broken(log_of_negative, **options)
    step = int(error.got["step"].split()[3])
    other = Outer(log_of_negative)
    fit(other, (ROWS[:step - 1], np.zeros(step - 1, np.int64)), loss=options["loss"],
        optimizer=optim.Adam(other.parameters(),
                             lr=1e-3), epochs=1, batch_size=1, shuffle=False, progress=False)
    assert model.body[1].scale.item() == other.body[1].scale.item() != 1


def test_schedule_goes_back_too():
    made = []
    def optimizer(params):
        made.append(optim.SGD(params, lr=0.5))
        return made[0]
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(sheer.tensor([1.0]))
        def forward(self, x):
            return log_of_negative(x) + 0 * self.scale
    model = Model()
    own = optimizer(model.parameters())
    schedule = optim.lr_scheduler.ExponentialLR(own, 0.5).each_update()
    with pytest.raises(NumericError):
        fit(model, (ROWS, np.zeros(40, np.int64)), loss=lambda out, y: out.mean(), optimizer=own,
            epochs=1,
            batch_size=1, shuffle=False, progress=False, schedule=schedule)
    assert own.param_groups[0]["lr"] == pytest.approx(0.5 ** 13)  # of update 13, the last good


def test_nan_in_the_data_is_said_plainly():
    x = ROWS.copy()
    x[9] = np.nan
    error, _ = broken(lambda x: x, x)
    assert str(error) == """\
fit: the loss became nan
  step  : epoch 1, update 10 of 40
  inputs: hold 1 NaN of 1 values, first at (0, 0)
  need  : finite numbers; weights are those before this step
  try   : clean the data: rows with missing values become NaN
  more  : sheer explain E701"""


def test_a_weight_that_breaks_while_the_loss_is_still_finite():
    """sqrt(0) is 0, its derivative is infinite: the update makes the NaN, not the loss."""
    error, model = broken(lambda x: x.sqrt(), x=ROWS[:6], lr=0.1)
    assert str(error).startswith("fit: a new weight is not finite\n"
                                 "  step   : epoch 1, update 1 of 6")
    assert model.body[1].scale.item() == 1


def test_a_masked_infinity_is_not_blamed():
    """Attention masks are full of -inf; the NaN comes from the log behind them."""
    def masked(x):
        scores = sheer.where(x > -1, x, float("-inf"))
        kept = sheer.where(x > 100, scores * float("inf"), x)
        return (12.5 - kept).log()
    error, _ = broken(masked)
    assert error.got["first"].startswith("log: 1 NaN")
    assert "update 14 of 40" in error.got["step"]


def test_a_network_that_diverges_says_so():
    manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    with pytest.raises(NumericError) as caught:
        fit(model, (x, x[:, :1]), loss=F.mse_loss, optimizer=optim.SGD(model.parameters(), lr=1e6),
            epochs=5,
            batch_size=16, progress=False)
    assert "clip_norm" in str(caught.value) or "learning rate" in str(caught.value)
    assert all(np.isfinite(p.numpy()).all() for p in model.parameters())


def test_infinite_buffers_are_allowed():
    """A causal mask of -inf that was there from the start is no accident."""
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)
            self.register_buffer("mask", sheer.tensor([0.0, 0.0, float("-inf")]))
        def forward(self, x):
            return F.softmax(self.fc(x) + self.mask, dim=-1)
    model = Masked()
    x = np.ones((8, 3), np.float32)
    run = fit(model, (x, x), loss=F.mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.1),
              epochs=1,
              progress=False)
    assert np.isfinite(run.history[0]["loss"])


def test_a_range_test_whose_first_loss_is_nan_says_why_and_leaves_the_weights():
    model = Outer(lambda x: (-1 - x * 0).log())
    with pytest.raises(NumericError, match="the loss became nan") as caught:
        lr_range_test(model, (ROWS, ROWS), loss=lambda out, y: out.mean(),
                      optimizer=optim.SGD(model.parameters()), steps=5)
    assert caught.value.code == "E701"
    assert caught.value.got["step"] == "update 1 of 5"
    assert model.body[1].scale.item() == 1.0
