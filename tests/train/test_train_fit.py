"""fit, evaluate, predict: forms of data, equal bits, and what a loop written by hand gives."""

import numpy as np
import pytest
import torch

import sheer
from sheer import nn, optim
from sheer.graph.errors import ArgumentError, ShapeError
from sheer.random import manual_seed
from sheer.train import EarlyStopping, FBeta, evaluate, fit, predict
from sheer.train.plan import epoch_order


def test_the_same_seed_gives_the_same_bits(problem, same, timeless):
    train = lambda **options: (made := problem.make(), problem.fit(*made, **options))
    ((a, _), one), ((b, _), two) = train(), train()
    same(a, b)
    assert timeless(one) == timeless(two)
    (c, _), _ = train(seed=1)
    assert (a[0].weight.numpy() != c[0].weight.numpy()).any()


@pytest.mark.parametrize("form", ["arrays", "list", "tensors", "dataset"])
def test_forms_of_data_give_the_same_bits(problem, same, form):
    x, y = problem.x, problem.y
    if form == "dataset":
        given = sheer.data.TensorDataset(sheer.tensor(x), sheer.tensor(y))
    else:
        given = {"arrays": (x, y), "list": [x, y],
                 "tensors": (sheer.tensor(x), sheer.tensor(y))}[form]
    a, optimizer = problem.make()
    problem.fit(a, optimizer)
    b, optimizer = problem.make()
    problem.fit(b, optimizer, given)
    same(a, b)


def test_a_loader_gives_what_its_batches_give_one_by_one(problem, batches):
    model, optimizer = problem.make()
    run = problem.fit(model, optimizer, batches(problem.x, problem.y), epochs=2)
    other, by_hand = problem.make()
    loader, losses = batches(problem.x, problem.y), []
    for epoch in range(2):
        loader.set_epoch(epoch)
        losses.append(_hand_written_epoch(other, by_hand, problem.loss, loader))
    np.testing.assert_allclose(run.column("loss"), losses, rtol=1e-5)
    np.testing.assert_allclose(model[0].weight.numpy(), other[0].weight.numpy(), rtol=1e-4,
                               atol=1e-6)


def test_fit_is_the_loop_that_people_write(problem):
    model, optimizer = problem.make()
    run = problem.fit(model, optimizer, epochs=2, seed=5)
    other, by_hand = problem.make()
    losses = []
    for epoch in range(2):
        order = epoch_order(len(problem.y), 5, epoch, True)
        parts = [order[i:i + 16] for i in range(0, len(order), 16)]
        losses.append(_hand_written_epoch(other, by_hand, problem.loss,
                                          [(sheer.tensor(problem.x[p]), sheer.tensor(problem.y[p]))
                                           for p in parts]))
    np.testing.assert_allclose(run.column("loss"), losses, rtol=1e-5)
    np.testing.assert_allclose(model[0].weight.numpy(), other[0].weight.numpy(), rtol=1e-4,
                               atol=1e-6)


def _hand_written_epoch(model, optimizer, loss_function, loader):
    model.train()
    total = rows = 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total, rows = total + loss.item() * len(y), rows + len(y)
    return total / rows


def test_a_real_loader_trains(problem):
    from sheer.data import DataLoader, TensorDataset
    make = lambda: DataLoader(TensorDataset(sheer.tensor(problem.x), sheer.tensor(problem.y)),
                              batch_size=16, shuffle=True)
    model, optimizer = problem.make()
    run = problem.fit(model, optimizer, make(), epochs=6, validation=make(), metrics=["accuracy"])
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert set(run.history[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate",
                                   "seconds"}


def test_a_dataset_of_pictures_trains_as_its_loader_does(same):
    from sheer.data import DataLoader, datasets
    from sheer.data.transforms import Compose, RandomCrop, ToTensor
    digits = datasets.DigitsUCI(train=False,
                                transform=Compose([RandomCrop(8, padding=1), ToTensor()]))
    models = []
    for data in (digits, DataLoader(digits, 32, shuffle=True, seed=5),
                 DataLoader(digits, 32, True, num_workers=3, seed=5)):
        manual_seed(0)
        models.append(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
        optimizer = optim.SGD(models[-1].parameters(), lr=0.1)
        fit(models[-1], data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=2, seed=5,
            progress=False)
    same(models[0], models[1])
    same(models[0], models[2])


@pytest.mark.parametrize("batch_size", [1, 7, 16, 102, 103, 500])
def test_any_batch_size_sees_every_row_once_an_epoch(problem, batch_size):
    model = nn.Linear(5, 1)
    count = lambda out, y: out.sum() * 0 + y.float().mean()
    run = fit(model, (problem.x, np.arange(103)), loss=count,
              optimizer=optim.SGD(model.parameters(), lr=0.0),
              epochs=1, batch_size=batch_size, progress=False)
    assert run.history[0]["loss"] == pytest.approx(51.0)


def test_drop_last_leaves_the_ragged_batch_out(problem):
    model = nn.Linear(5, 1)
    count = lambda out, y: out.sum() * 0 + y.float().mean()
    run = fit(model, (problem.x, np.arange(103)), loss=count,
              optimizer=optim.SGD(model.parameters(), lr=0.0),
              epochs=1, batch_size=100, shuffle=False, drop_last=True, progress=False)
    assert run.history[0]["loss"] == pytest.approx(49.5)


def test_inputs_may_be_a_tuple(problem):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(5, 2), nn.Linear(1, 2)

        def forward(self, pair):
            x, extra = pair
            return self.a(x) + self.b(extra)
    manual_seed(0)
    model = Two()
    extra = problem.x[:, :1] * 2
    run = problem.fit(model, optim.Adam(model.parameters(), lr=0.05),
                      ((problem.x, extra), problem.y), epochs=4)
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert predict(model, (problem.x, extra)).shape == (103, 2)


def test_evaluate_weights_by_rows_and_leaves_the_modes_alone(problem):
    model, _ = problem.make()
    model[1].eval()
    before = [m.training for m in model.modules()]
    found = evaluate(model, (problem.x, problem.y), loss=problem.loss, metrics=["accuracy"],
                     batch_size=10)
    assert [m.training for m in model.modules()] == before
    out = predict(model, problem.x, batch_size=10)
    assert [m.training for m in model.modules()] == before
    model.eval()
    direct = model(sheer.tensor(problem.x)).numpy()
    np.testing.assert_allclose(out, direct, rtol=1e-5, atol=1e-6)
    assert found["accuracy"] == pytest.approx((direct.argmax(1) == problem.y).mean())
    log_total = np.log(np.exp(direct).sum(1)) - direct[np.arange(103), problem.y]
    assert found["loss"] == pytest.approx(log_total.mean(), rel=1e-5)


def test_metrics_by_name_and_by_function(problem):
    def largest(out, y):
        return out.max()
    model, optimizer = problem.make()
    run = problem.fit(model, optimizer, epochs=1, metrics=["accuracy", largest])
    assert list(run.history[0]) == ["epoch", "loss", "accuracy", "largest", "rate", "seconds"]


def test_regression_metrics_agree_with_numpy(problem):
    manual_seed(0)
    model = nn.Linear(5, 1)
    target = problem.x.sum(1, keepdims=True)
    found = evaluate(model, (problem.x, target), loss=nn.functional.mse_loss,
                     metrics=["mae", "mse"])
    error = predict(model, problem.x) - target
    assert found["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert found["mse"] == pytest.approx(found["loss"], rel=1e-6)
    assert found["mse"] == pytest.approx((error ** 2).mean(), rel=1e-5)


def test_clipping_bounds_the_update(problem):
    model, _ = problem.make()
    before = model[0].weight.numpy().copy()
    problem.fit(model, optim.SGD(model.parameters(), lr=1.0), epochs=1, batch_size=103,
                clip_norm=1e-3)
    moved = model[0].weight.numpy() - before
    assert 0 < np.sqrt((moved ** 2).sum()) < 1.01e-3


REFUSED = {
    "epochs": (ArgumentError, "E508", {"epochs": -1}),
    "metric": (ArgumentError, "E501", {"metrics": ["acuracy"]}),
    "two metrics": (ArgumentError, "E501", {"metrics": ["mae", "mae"]}),
    "batch size": (ArgumentError, "E402", {"batch_size": 0}),
    "no data": (ArgumentError, "E509", {"data": 7}),
    "three parts": (ArgumentError, "E509", {"data": (1, 2, 3)}),
    "rows differ": (ShapeError, "E401",
                    {"data": (np.zeros((3, 5), np.float32), np.zeros(4, np.int64))}),
    "no rows": (ArgumentError, "E410",
                {"data": (np.zeros((0, 5), np.float32), np.zeros(0, np.int64))}),
}


ELSEWHERE = lambda: optim.SGD(nn.Linear(5, 2).parameters(), lr=0.1)
KINDS = [
    *(("E515", {"loss": v}) for v in (
        nn.CrossEntropyLoss, None, "mse", lambda out, y: 1.0, lambda out, y: None,
        lambda out, y: (out.sum(), y), lambda out, y: out)),
    *(("E515", {"optimizer": v}) for v in (
        None, optim.SGD, "sgd", torch.optim.SGD(torch.nn.Linear(5, 2).parameters(), lr=0.1))),
    *(("E515", {"model": v}) for v in (nn.Linear, None, lambda x: x, torch.nn.Linear(5, 2))),
    *(("E508", {"epochs": v}) for v in ("1", None, 1.5)),
    *(("E402", {"batch_size": v}) for v in (2.5, None, "4")),
    *(("E515", {"schedule": v}) for v in ("cos", optim.lr_scheduler.StepLR)),
    *(("E515", {"callbacks": v}) for v in ([3], [EarlyStopping], None, "loss")),
    *(("E501", {"metrics": v}) for v in ([3], 3, [FBeta])),
    *(("E308", {"clip_norm": v}) for v in ("a", -1.0)), ("E308", {"clip_value": "a"}),
    *(("E515", {"seed": v}) for v in (None, "a", 0.5)),
    ("E515", {"transform": 3}), ("E515", {"run": "foo"}), ("E515", {"progress": "a"}),
    ("E515", {"resume": True}), ("E516", {"optimizer": ELSEWHERE()}),
    ("E309", {"schedule": optim.lr_scheduler.StepLR(ELSEWHERE(), 1)})]
REFUSED |= {f"{next(iter(given))}, kind {number}": (ArgumentError, code, given)
            for number, (code, given) in enumerate(KINDS)}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_refused_by_code(problem, name):
    kind, code, options = REFUSED[name]
    model, optimizer = problem.make()
    with pytest.raises(kind) as caught:
        problem.fit(**{"model": model, "optimizer": optimizer, **options})
    assert caught.value.code == code
    assert str(caught.value).endswith(f"sheer explain {code}")


X = np.zeros((6, 5), np.float32)
CALLS = {
    "None": ("E509", lambda m: predict(m, None)),
    "one number": ("E509", lambda m: predict(m, np.float32(1))),
    "a dataset": ("E509", lambda m: predict(m, sheer.data.TensorDataset(sheer.tensor(X)))),
    "two outputs": ("E515", lambda m: predict(nn.LSTM(5, 4), X[:, None])),
    "no model": ("E515", lambda m: predict(None, X)),
    "half a row": ("E402", lambda m: predict(m, X, batch_size=2.5)),
    "no rows": ("E410", lambda m: predict(m, X[:0])),
    "no rows to score": ("E410", lambda m: evaluate(m, (X[:0], X[:0]), loss=nn.MSELoss())),
    "a class": ("E515", lambda m: evaluate(m, (X, X), loss=nn.MSELoss)),
    "many losses": ("E515", lambda m: evaluate(m, (X, X), loss=lambda out, y: out)),
}


@pytest.mark.parametrize("name", CALLS)
def test_evaluate_and_predict_refuse_in_their_own_names(problem, name):
    code, call = CALLS[name]
    with pytest.raises(ArgumentError) as caught:
        call(problem.make()[0])
    assert caught.value.code == code
    assert caught.value.op in ("predict", "evaluate", "loss")


def test_one_callback_and_one_metric_need_no_list(problem):
    made = problem.make()
    run = problem.fit(*made, epochs=9, metrics="accuracy",
                      callbacks=EarlyStopping("loss", patience=1, min_delta=99.0))
    assert len(run.column("accuracy")) == 2


def test_any_whole_number_is_a_seed_modulo_two_to_the_64(problem, same):
    models = []
    for seed in (-1, 2**64 - 1, 2**70 - 1):
        model, optimizer = problem.make()
        problem.fit(model, optimizer, seed=seed, epochs=1)
        models.append(model)
        same(model, models[0])


def test_validation_rows_of_another_width_stop_it_before_the_first_update(problem, same):
    (a, optimizer), (b, _) = problem.make(), problem.make()
    with pytest.raises(ShapeError, match="E201"):
        problem.fit(a, optimizer, validation=(problem.x[:, :3], problem.y))
    same(a, b)


def test_a_loss_may_be_all_that_learns(problem):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(sheer.tensor([1.0]))

        def forward(self, out, y):
            return (self.scale * out.detach()).square().mean()
    model, loss = problem.make()[0], Scaled()
    problem.fit(model, optim.SGD(loss.parameters(), lr=0.1), loss=loss, epochs=1)
    assert loss.scale.item() < 1


def test_a_loader_must_give_pairs_and_not_nothing(problem, batches):
    model, optimizer = problem.make()
    class Triples(batches):
        def __iter__(self):
            return ((x, y, y) for x, y in super().__iter__())
    with pytest.raises(ArgumentError, match="a batch of the loader is 3 parts"):
        problem.fit(model, optimizer, Triples(problem.x, problem.y))
    with pytest.raises(ArgumentError, match="E512"):
        problem.fit(model, optimizer, batches(problem.x[:0], problem.y[:0]))


def test_a_stream_says_how_many_examples_an_epoch_has(problem):
    class Stream(sheer.data.IterableDataset):
        def __iter__(self):
            return zip(problem.x, problem.y, strict=True)
    class Counted(Stream):
        def __len__(self):
            return len(problem.y)
    with pytest.raises(ArgumentError) as caught:
        problem.fit(*problem.make(), sheer.data.DataLoader(Stream(), 16))
    assert str(caught.value) == """\
fit: the loader does not say how many batches it has
  dataset: Stream without a length
  need   : Stream.__len__, the examples of an epoch
  more   : sheer explain E512"""
    run = problem.fit(*problem.make(), sheer.data.DataLoader(Counted(), 16), epochs=1)
    assert len(run.history) == 1


def test_zero_epochs_change_nothing(problem, same):
    (a, optimizer), (b, _) = problem.make(), problem.make()
    assert problem.fit(a, optimizer, epochs=0).history == []
    same(a, b)


def test_inputs_that_are_the_targets_are_held_once(problem):
    def train(x, y):
        manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 2), nn.Linear(2, 5))
        optimizer = optim.Adam(model.parameters(), lr=1e-2)
        run = fit(model, (x, y), loss=nn.MSELoss(), optimizer=optimizer, epochs=2, batch_size=10,
                  progress=False)
        return [row["loss"] for row in run.history]
    assert train(problem.x, problem.x) == train(problem.x, problem.x.copy())
