"""Experiments with whole networks: depth, capacity, small data, the network of the benchmarks."""

from __future__ import annotations

import time

import numpy as np
import pytest
from basics_helpers import SEEDS, count, digits, mlp, spread, train, train_whole

from sheer import nn
from sheer.data import load_arrays
from sheer.random import manual_seed
from sheer.train import evaluate, predict

F = nn.functional


@pytest.mark.slow
@pytest.mark.system("Multi-layer perceptron (input, hidden, output layers)")
@pytest.mark.xdist_group("mnist-mlp")
def test_a_perceptron_of_three_layers_on_mnist(reached, figure):
    found = [reached("mnist-mlp", s).test["accuracy"] for s in SEEDS]
    assert np.mean(found) >= 0.98
    figure(f"MNIST test accuracy {spread(found)}, 3 seeds")


@pytest.mark.system("Multi-layer perceptron (input, hidden, output layers)")
@pytest.mark.xdist_group("xor")
def test_xor_with_a_hidden_layer(reached, figure):
    found = [reached("xor", s).test["accuracy"] for s in SEEDS]
    assert found == [1.0] * 3
    figure("XOR 100 %, 3 seeds")


@pytest.mark.slow
@pytest.mark.system("Deep vs shallow network")
def test_depth_folds_a_tent_that_width_does_not(figure):
    x = np.linspace(0, 1, 513)[:, None]
    y = x
    for _ in range(4):
        y = 1 - np.abs(2 * y - 1)
    x, y = (2 * x - 1).astype(np.float32), y.astype(np.float32)          # 16 straight pieces
    errors = {"deep": [], "shallow": []}
    for seed in SEEDS:
        for name, found in errors.items():
            starts = []
            for start in range(3):                   # some starts get stuck: the best of three
                manual_seed(10 * seed + start)
                deep = mlp(1, 32, 32, 32, 1)
                net = deep if name == "deep" else mlp(1, round((count(deep) - 1) / 3), 1)
                assert abs(count(net) / count(deep) - 1) < 0.01
                train_whole(unfolded(net), x, y, F.mse_loss, lr=5e-3, steps=6000)
                starts.append(float(((predict(net, x) - y) ** 2).mean()))
            found.append(min(starts))
    assert np.mean(errors["shallow"]) > 10 * np.mean(errors["deep"])
    figure(f"mean squared error, 3 hidden layers {spread(errors['deep'])}, one hidden layer of as "
           f"many parameters {spread(errors['shallow'])}")


def unfolded(net: nn.Sequential) -> nn.Sequential:
    """He's initial weights, and kinks of the first layer all over the inputs."""
    for layer in net[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    nn.init.uniform_(net[0].bias, -1, 1)
    return net


def fits(width: int, rows: int, seed: int) -> bool:
    """Does a network of this width learn random labels of so many rows by heart?"""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 10)).astype(np.float32)
    y = rng.integers(0, 2, rows)
    manual_seed(seed)
    net = mlp(10, width, 2)
    train_whole(net, x, y, F.cross_entropy, lr=0.03, steps=2000)
    return bool((predict(net, x).argmax(1) == y).all())


@pytest.mark.slow
@pytest.mark.system("Model capacity")
def test_more_parameters_learn_more_random_labels(figure):
    sizes, found = [16, 32, 64, 128, 256, 512], {}
    for width in (2, 8, 32):
        found[width] = [max([n for n in sizes if fits(width, n, seed)], default=0)
                        for seed in SEEDS]
    means = [np.mean(f) for f in found.values()]
    assert means[0] < means[1] < means[2]
    told = ", ".join(f"{count(mlp(10, w, 2))} parameters {np.mean(f):.0f} labels"
                     for w, f in found.items())
    figure(f"largest random set learnt: {told}")


def adult(folder, rows: int, seed: int):
    """(training, test) of encoded adult rows; the training part has `rows` of them."""
    from sheer.recipes.tables import load_table
    task = load_table("adult", folder, 0.2)
    chosen = np.random.default_rng(seed).permutation(len(task.train[1]))[:rows]
    return (task.train[0][chosen], task.train[1][chosen]), (task.test[0][:4000],
                                                            task.test[1][:4000])


@pytest.mark.slow
@pytest.mark.system("Drawbacks: training time, small data")
def test_what_a_network_costs_on_little_data(shared_data, figure):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    sizes, names = (50, 500, 5000), ("network", "forest", "logistic")
    table = {name: [] for name in names}
    seconds = {name: [0.0, 0.0] for name in names}
    for rows in sizes:
        scores = {name: [] for name in names}
        for seed in SEEDS:
            (x, y), (x_test, y_test) = adult(shared_data, rows, seed)
            manual_seed(seed)
            net = mlp(x.shape[1], 32, 32, 2)
            others = {"forest": RandomForestClassifier(100, random_state=seed),
                      "logistic": LogisticRegression(max_iter=1000)}
            for name in names:
                began = time.perf_counter()
                if name == "network":
                    train(net, x, y, loss=F.cross_entropy, lr=3e-3, epochs=30, seed=seed)
                else:
                    others[name].fit(x, y)
                middle = time.perf_counter()
                said = predict(net, x_test).argmax(1) if name == "network" else (
                    others[name].predict(x_test))
                seconds[name] = [middle - began, time.perf_counter() - middle]
                scores[name].append(float((said == y_test).mean()))
        for name in names:
            table[name].append(float(np.mean(scores[name])))
    majority = 1 - y_test.mean()
    for name in names:
        assert table[name][-1] > table[name][0]
        assert table[name][-1] > majority + 0.03
    assert table["network"][0] < table["network"][-1] - 0.01
    figure("; ".join(
        f"{name}: accuracy {', '.join(f'{100 * a:.1f}' for a in table[name])} % with 50, 500, "
        f"5000 rows, training {seconds[name][0]:.2g} s and inference {seconds[name][1]:.2g} s at "
        "5000" for name in names))


def cascade(x, y, x_test, seed: int, levels: int = 3) -> np.ndarray:
    """Class probabilities of a deep forest: every level sees the rows and the level below it."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.model_selection import cross_val_predict
    seen, seen_test = x, x_test
    for level in range(levels):
        forests = [kind(100, random_state=seed + 10 * level + i, n_jobs=1)
                   for i, kind in enumerate([RandomForestClassifier, ExtraTreesClassifier] * 2)]
        inside = [cross_val_predict(f, seen, y, cv=3, method="predict_proba") for f in forests]
        outside = [f.fit(seen, y).predict_proba(seen_test) for f in forests]
        seen, seen_test = np.hstack([x, *inside]), np.hstack([x_test, *outside])
    return np.mean(outside, 0)


@pytest.mark.slow
@pytest.mark.system("Non-neural deep models (deep forest)")
def test_a_cascade_of_forests_is_at_least_as_good_as_one(figure):
    from sklearn.ensemble import RandomForestClassifier
    x, y = digits()
    single, deep, net = [], [], []
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(y))
        a, b = order[:600], order[600:]
        forest = RandomForestClassifier(400, random_state=seed).fit(x[a], y[a])
        single.append(forest.score(x[b], y[b]))
        deep.append(float((cascade(x[a], y[a], x[b], seed).argmax(1) == y[b]).mean()))
        manual_seed(seed)
        model = mlp(64, 64, 10)
        train(model, x[a], y[a], loss=F.cross_entropy, epochs=60, seed=seed)
        net.append(evaluate(model, (x[b], y[b]), loss=F.cross_entropy,
                            metrics=["accuracy"])["accuracy"])
    assert np.mean(deep) >= np.mean(single)
    figure(f"digits, 600 training rows: cascade {spread(deep)}, one forest {spread(single)}, "
           f"network {spread(net)}")


def test_the_shipped_digits_are_what_these_experiments_use():
    x, y = digits()
    assert x.shape == (1797, 64)
    assert x.max() == 1
    assert len(load_arrays("digits").train.y) == len(y)
