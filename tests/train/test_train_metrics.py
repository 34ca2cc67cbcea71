"""Metrics that fit measures: those of a whole epoch equal scikit-learn's over all rows."""

import numpy as np
import pytest
from sklearn import metrics as sk

import sheer
from sheer import nn, optim
from sheer.graph.errors import ArgumentError
from sheer.train import METRICS, R2, FBeta, Perplexity, Run, compare, evaluate, fit, predict
from sheer.train.metrics import is_better

ROWS = 103                                    # prime: the last batch is ragged


def classes(k, width=6, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, width)).astype(np.float32)
    return x, rng.integers(0, k, ROWS)


@pytest.mark.system("F1 / F-beta", "Precision, recall")
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_f_scores_of_all_rows_equal_scikit_learn(average):
    x, y = classes(4)
    model = nn.Linear(6, 4)
    wanted = [FBeta(b, average, name=n) for b, n in [(0.0, "p"), (np.inf, "r"), (2.0, "f2")]]
    found = evaluate(model, (x, y), loss=nn.functional.cross_entropy, batch_size=16,
                     metrics=[*wanted, "accuracy"])
    said = predict(model, x).argmax(1)
    np.testing.assert_allclose(
        [found["p"], found["r"], found["f2"], found["accuracy"]],
        [sk.precision_score(y, said, average=average, zero_division=0),
         sk.recall_score(y, said, average=average, zero_division=0),
         sk.fbeta_score(y, said, beta=2.0, average=average, zero_division=0),
         sk.accuracy_score(y, said)], rtol=1e-5)


def test_two_classes_as_one_logit_and_several_labels():
    x, y = classes(2)
    model = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))
    loss = lambda out, t: nn.functional.binary_cross_entropy_with_logits(out, t.float())
    found = evaluate(model, (x, y), loss=loss, metrics=["f1", "precision", "recall"],
                     batch_size=16)
    said = predict(model, x) > 0
    np.testing.assert_allclose(
        [found["f1"], found["precision"], found["recall"]],
        [sk.f1_score(y, said), sk.precision_score(y, said), sk.recall_score(y, said)], rtol=1e-5)
    many = (np.random.default_rng(1).random((ROWS, 5)) < 0.4).astype(np.float32)
    model = nn.Linear(6, 5)
    found = evaluate(model, (x, many), loss=nn.functional.binary_cross_entropy_with_logits,
                     metrics=["f1"], batch_size=16)
    np.testing.assert_allclose(
        found["f1"], sk.f1_score(many, predict(model, x) > 0, average="macro"), rtol=1e-5)


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_perplexity_does_not_count_padding():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, (ROWS, 7)), rng.integers(0, 9, (ROWS, 7))
    y[rng.random(y.shape) < 0.3] = -100
    model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
    def turned(out, t):
        return nn.functional.cross_entropy(out.transpose(1, 2), t)
    class Turned(Perplexity):
        def __call__(self, output, target):
            return super().__call__(output.transpose(1, 2), target)
    found = evaluate(model, (x, y), loss=turned, metrics=[Turned()], batch_size=16)
    logits = predict(model, x).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    at = np.take_along_axis(logs, np.maximum(y, 0)[..., None], -1)[..., 0]
    np.testing.assert_allclose(found["perplexity"], sheer.metrics.perplexity(at, y != -100),
                               rtol=1e-5)


def test_metrics_of_regressions_equal_scikit_learn():
    x, _ = classes(2)
    y = (x @ np.arange(6.0, dtype=np.float32) + 1)[:, None]
    model = nn.Linear(6, 1)
    found = evaluate(model, (x, y), loss=nn.functional.mse_loss, batch_size=16,
                     metrics=["rmse", "r2", "mse", "mae"])
    said = predict(model, x)
    np.testing.assert_allclose(
        [found[n] for n in ("rmse", "r2", "mse", "mae")],
        [sk.root_mean_squared_error(y, said), sk.r2_score(y, said), sk.mean_squared_error(y, said),
         sk.mean_absolute_error(y, said)], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mean", [0.0, 1e4, -1e6])
def test_r2_does_not_cancel_when_targets_are_far_from_zero(mean):
    x, _ = classes(2)
    y = (mean + np.random.default_rng(0).normal(size=(ROWS, 1))).astype(np.float32)
    said = lambda out, t: sheer.tensor(mean) + 0.5 * (t - mean)
    found = evaluate(nn.Linear(6, 1), (x, y), loss=nn.functional.mse_loss, batch_size=16,
                     metrics=[type("R2", (R2,), {"__call__": lambda self, out, t: R2.__call__(
                         self, said(out, t), t)})()])
    half = np.float32(mean) + np.float32(0.5) * (y - np.float32(mean))
    np.testing.assert_allclose(found["r2"], sk.r2_score(y.astype(float), half.astype(float)),
                               rtol=1e-4)


@pytest.mark.parametrize(("name", "down"), [
    ("loss", True), ("error", True), ("val_error", True), ("MeanSquaredError", True),
    ("val_nll", True), ("cross_entropy", True), ("val_perplexity", True), ("rmse", True),
    ("accuracy", False), ("val_f1", False), ("r2", False)])
def test_losses_and_errors_fall_by_their_names(name, down):
    assert is_better(name, 1.0, 2.0) == down
    assert is_better(name, 2.0, 1.0) != down


@pytest.mark.parametrize("name", ["epoch", "loss", "val_loss", "rate", "seconds"])
def test_columns_of_the_history_are_no_names_of_metrics(name):
    metric = lambda out, y: out.mean()
    metric.__name__ = name
    with pytest.raises(ArgumentError, match=f"two columns would be called '{name}'"):
        evaluate(nn.Linear(6, 2), classes(2), loss=nn.functional.cross_entropy, metrics=[metric])


def test_a_resumed_run_has_the_same_scores(tmp_path):
    x, y = classes(3)
    def train(run, stop):
        sheer.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
        calls = iter(range(1000))
        def loader(epoch, i):
            if next(calls) == stop:
                raise KeyboardInterrupt
        from train_problem import Batches
        settings = {"loss": nn.functional.cross_entropy, "metrics": ["f1", "accuracy"],
                    "optimizer": optim.Adam(model.parameters()), "epochs": 2, "progress": False}
        try:
            return fit(model, Batches(x, y, loader), run=run, **settings, resume=stop is None)
        except KeyboardInterrupt:
            return None
    whole = train(Run.open(tmp_path / "whole", {}), None)
    assert train(Run.open(tmp_path / "broken", {}), 20) is None
    again = train(Run.open(tmp_path / "broken"), None)
    for name in ("f1", "accuracy", "loss"):
        assert again.column(name) == whole.column(name)
    assert 0 < whole.column("f1")[-1] < 1


def test_every_metric_has_a_name_and_the_list_is_shown():
    assert set(METRICS) == {"accuracy", "mae", "mse", "rmse", "r2", "precision", "recall", "f1",
                            "perplexity"}
    with pytest.raises(ArgumentError, match="one of accuracy, mae, mse, rmse, r2, precision"):
        evaluate(nn.Linear(6, 2), classes(2), loss=nn.functional.cross_entropy, metrics=["f3"])
    with pytest.raises(ArgumentError) as error:
        FBeta(average="samples")
    assert error.value.code == "E671"


@pytest.mark.system("Model accuracy vs speed / size report")
def test_one_call_tells_score_size_time_and_memory(figure):
    x, y = classes(3)
    small = nn.Linear(6, 3)
    large = nn.Sequential(nn.Linear(6, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(),
                          nn.BatchNorm1d(400), nn.Linear(400, 3))
    large.train()
    table = compare({"small": small, "large": large}, (x, y), batch_size=32, repeats=2,
                    loss=nn.functional.cross_entropy, metrics=["accuracy", "f1"])
    assert [row.name for row in table] == ["small", "large"]
    assert [row.parameters for row in table] == [21, 6 * 400 + 400 + 400 * 401 + 800 + 1203]
    assert [row.weight_bytes for row in table] == [84, 4 * table[1].parameters + 4 * 800 + 8]
    expected = [evaluate(m, (x, y), loss=nn.functional.cross_entropy, batch_size=32,
                         metrics=["accuracy", "f1"]) for m in (small, large)]
    assert [row.scores for row in table] == expected
    assert all(row.latency > 0 and row.throughput > 0 for row in table)
    if table[0].memory is not None:                      # the backend can tell
        assert 0 < table[0].memory < table[1].memory
    lines = str(table).splitlines()
    assert lines[0].split() == ["model", "loss", "accuracy", "f1", "parameters", "weights", "kB",
                                "one", "row", "us", "rows/s", "batch", "kB"]
    assert [line.split()[0] for line in lines] == ["model", "small", "large"]
    assert large.training
    figure("score, parameters, weights, latency, throughput and memory of each model in a table")


def test_a_loader_can_be_compared_too():
    x, y = classes(3)
    loader = sheer.data.DataLoader(sheer.data.TensorDataset(x, y), 16)
    table = compare({"one": nn.Linear(6, 3)}, loader, loss=nn.functional.cross_entropy, repeats=1)
    assert table[0].memory is None
    assert "?" in str(table)
    with pytest.raises(ArgumentError) as error:
        compare({}, loader, loss=nn.functional.cross_entropy)
    assert error.value.code == "E677"
