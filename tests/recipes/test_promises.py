"""Every recipe keeps its promise: the test figure it names, with default settings."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from recipes_record import SEEDS
from sheer.commands.training import summary
from sheer.graph.errors import ArgumentError, DataError
from sheer.recipes import RECIPES, make, run
from sheer.train.metrics import is_better

SECONDS = {"digits", "digits-mlp", "xor", "iris", "wine-quality", "adult", "pima",
           "airline"}                                         # others take minutes


@pytest.mark.parametrize(("name", "seed"), [
    pytest.param(name, seed, marks=[
        pytest.mark.xdist_group(name),
        *([] if name in SECONDS and seed == SEEDS[0] else [pytest.mark.slow])])
    for name in sorted(RECIPES) for seed in SEEDS])
def test_a_recipe_reaches_what_it_promises(name, seed, reached):
    metric, value = RECIPES[name].promise
    assert not is_better(metric, value, reached(name, seed).test[metric])


def test_the_same_seed_gives_the_same_bits():
    short = lambda: run(make("digits-mlp", {"epochs": "2"}), seed=3, progress=False)
    first, again = short(), short()
    assert first.run.column("loss") == again.run.column("loss")
    assert first.test == again.test


def test_another_seed_gives_another_run():
    short = lambda seed: run(make("digits-mlp", {"epochs": "1"}), seed=seed, progress=False)
    first, other = short(0), short(1)
    assert first.run.column("loss") != other.run.column("loss")


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(ArgumentError) as error:
        make("mnist-cn")
    assert "nearest: mnist-cnn" in str(error.value)


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(ArgumentError) as error:
        make("digits", {"epoch": "3"})
    assert "nearest: epochs" in str(error.value)


def test_a_setting_of_the_wrong_kind_is_refused():
    with pytest.raises(ArgumentError, match="epochs=many is no int"):
        make("digits", {"epochs": "many"})


def test_missing_data_say_where_to_put_them(tmp_path):
    with pytest.raises((DataError, ValueError)) as error:
        run(make("mnist-mlp"), data_dir=tmp_path / "nowhere", progress=False)
    assert "nowhere" in str(error.value)


class Compared(RECIPES["xor"], abstract=True):
    """xor beside a rule that always says no."""

    def baselines(self, task):
        return {"always 0": {"accuracy": float((task.test[1] == 0).mean())}}


def test_baselines_stand_beside_the_scores(tmp_path, capsys):
    outcome = run(Compared(), out=tmp_path, progress=False)
    assert outcome.baselines == {"always 0": {"accuracy": 0.5}}
    kept = json.loads((outcome.run.folder / "scores.json").read_text())
    assert kept == outcome.json()
    assert kept["baselines"] == {"always 0": {"accuracy": 0.5}}
    summary(outcome, Console())
    assert "xor always 0: accuracy 0.5000" in capsys.readouterr().out


def test_a_run_without_matplotlib_has_no_pictures_and_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("sheer.train.plots.available", lambda: False)
    monkeypatch.setattr("sheer.recipes.recipe.available", lambda: False)
    outcome = run(make("xor", {"epochs": "2"}), out=tmp_path, progress=False)
    assert outcome.pictures == []
    assert (outcome.run.folder / "last.safetensors").exists()
    assert not list(outcome.run.folder.glob("*.png"))
