"""Early stopping on a loss that follows a script, and the best weights that come back."""

import math

import pytest

import sheer
from sheer import nn, optim
from sheer.graph.errors import ArgumentError
from sheer.serialization import load
from sheer.train import Callback, EarlyStopping, Run, fit
from sheer.train.run import BEST


class Countdown(nn.Module):
    """One number that falls by 1 an epoch from 10; the validation loss is a function of it."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(sheer.tensor([10.0]))

    def forward(self, x):
        return self.w * x.float().mean().clamp(1, 1)


def falling(out, y):
    """Training rows (y = 0): w itself, gradient 1. Validation rows (y = 1): (w - 6)^2."""
    is_validation = y.float().mean()
    return (out * (1 - is_validation) + (out - 6) ** 2 * is_validation).sum()


def countdown(epochs=10, run=None, **options):
    model = Countdown()
    x, zeros, ones = sheer.tensor([[1.0]]), sheer.tensor([0]), sheer.tensor([1])
    made = fit(model, (x, zeros), loss=falling, optimizer=optim.SGD(model.parameters(), lr=1.0),
               epochs=epochs,
               batch_size=1, validation=(x, ones), run=run, progress=False, **options)
    return model, made


def test_the_script_is_what_we_think():
    model, run = countdown()
    assert run.column("val_loss") == [9, 4, 1, 0, 1, 4, 9, 16, 25, 36]
    assert model.w.item() == 0  # no early stopping: the last weights stay
    assert run.best_epoch == 4


@pytest.mark.parametrize(("patience", "epochs"), [(0, 5), (1, 5), (2, 6), (4, 8), (20, 10)])
@pytest.mark.system("Early stopping")
def test_training_stops_after_so_many_epochs_and_the_best_weights_come_back(tmp_path, patience,
                                                                            epochs):
    run = Run.open(tmp_path, {})
    model, run = countdown(run=run, callbacks=[EarlyStopping(patience=patience)])
    assert len(run.history) == epochs
    assert model.w.item() == 6
    assert load(tmp_path / BEST)["w"].item() == 6
    assert run.best_epoch == 4


@pytest.mark.system("Early stopping")
def test_a_small_improvement_is_none():
    _, run = countdown(callbacks=[EarlyStopping(patience=1, min_delta=3.5)])
    assert len(run.history) == 3                                 # 9, 4 is better by 5, 1 by 3 only


def test_which_way_is_better_can_be_said():
    _, run = countdown(callbacks=[EarlyStopping("val_loss", patience=1, mode="max")])
    assert len(run.history) == 2


def test_a_nan_is_no_improvement():
    stopping = EarlyStopping("val_loss", patience=3)
    stops = []
    trainer = type("T", (), {"stop": lambda self, why: stops.append(why)})()
    for value in [math.nan, 5.0, math.nan, 4.0, math.nan, math.nan]:
        stopping.on_epoch_end(trainer, {"val_loss": value})
    assert (stopping.best, stopping.waited, stops) == (4.0, 2, [])
    stopping.on_epoch_end(trainer, {"val_loss": math.nan})
    assert stops == ["val_loss has not improved for 3 epochs"]


def test_a_callback_may_stop_and_sees_every_row():
    class Until(Callback):
        rows, ended = (), False
        def on_epoch_end(self, trainer, row):
            self.rows = (*self.rows, row["epoch"])
            if row["epoch"] == 3:
                trainer.stop("enough")
        def on_train_end(self, trainer):
            self.ended = True
    until = Until()
    _, run = countdown(callbacks=[until])
    assert (len(run.history), until.rows, until.ended) == (3, (1, 2, 3), True)


@pytest.mark.parametrize("options", [{"patience": -1}, {"min_delta": -0.1}, {"mode": "less"}])
def test_settings_out_of_range(options):
    with pytest.raises(ArgumentError) as caught:
        EarlyStopping(**options)
    assert caught.value.code == "E505"


def test_a_quantity_that_is_not_measured_is_refused_before_the_first_epoch():
    with pytest.raises(ArgumentError) as caught:
        countdown(callbacks=[EarlyStopping("val_acuracy")], metrics=["mae"])
    assert str(caught.value) == """\
fit: nothing called 'val_acuracy' is measured
  need : one of loss, mae, val_loss, val_mae
  more : sheer explain E506"""
