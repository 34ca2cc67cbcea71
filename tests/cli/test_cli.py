"""The command line as a person uses it: each command, its output, its errors and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from sheer import __version__
from sheer.commands.listing import recipe_table
from sheer.graph.errors import ArgumentError
from sheer.recipes import RECIPES, make


def sheer(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sheer", *words], cwd=cwd, capture_output=True,
                          text=True, timeout=300, check=False, env=os.environ | env)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short training of the shipped digits, by the command line."""
    folder = tmp_path_factory.mktemp("runs")
    done = sheer("train", "digits-mlp", "--epochs", "2", "--seed", "5", "--out", "out", "--json",
                 cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_json_is_the_last_line_of_standard_output(trained):
    folder, done = trained
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["recipe"] == "digits-mlp"
    assert result["seed"] == 5
    assert result["epochs"] == 2
    assert set(result["test"]) == {"loss", "accuracy"}
    assert set(result["train"]) == {"loss", "accuracy"}
    assert result["seconds"] > 0
    assert (folder / result["run"]).is_dir()


def test_the_run_folder_holds_everything(trained):
    folder, done = trained
    run = folder / json.loads(done.stdout.splitlines()[-1])["run"]
    names = {p.name for p in run.iterdir()}
    assert {"config.json", "metrics.csv", "last.safetensors", "best.safetensors",
            "learning-curve.png", "confusion-matrix.png"} <= names
    assert json.loads((run / "config.json").read_text())["seed"] == 5
    assert len((run / "metrics.csv").read_text().splitlines()) == 3


def test_progress_is_lines_where_there_is_no_terminal(trained):
    _, done = trained
    assert done.stderr.count("epoch ") == 2
    assert "\x1b[" not in done.stderr


def test_a_run_goes_on_with_resume(trained):
    folder, done = trained
    run = json.loads(done.stdout.splitlines()[-1])["run"]
    again = sheer("train", "digits-mlp", "--epochs", "3", "--resume", run, "--json", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["epochs"] == 3
    assert json.loads((folder / run / "config.json").read_text())["epochs"] == 3


@pytest.mark.parametrize(("words", "said"), [
    (("--set", "lr=0.5"), "lr     : 0.008 in the run, not 0.5"),
    (("--set", "batch_size=16"), "batch_size: 64 in the run, not 16"),
    (("--seed", "6"), "seed   : 5 in the run, not 6"),
    (("--epochs", "1"), "epochs already"),
])
def test_a_run_goes_on_with_its_own_settings_only(words, said, trained):
    folder, done = trained
    run = json.loads(done.stdout.splitlines()[-1])["run"]
    config = (folder / run / "config.json").read_text()
    again = sheer("train", "digits-mlp", "--resume", run, *words, cwd=folder)
    assert again.returncode == 2
    assert said in again.stderr
    assert (folder / run / "config.json").read_text() == config


def test_ctrl_c_says_how_to_go_on(tmp_path):
    command = [sys.executable, "-m", "sheer", "train", "digits-mlp", "--epochs", "100000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not any(tmp_path.glob("runs/*/last.safetensors")):
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        said = process.communicate(timeout=100)[1]
    assert process.returncode == 130
    folder = next((tmp_path / "runs").iterdir()).relative_to(tmp_path)
    assert said.splitlines()[-1] == (
        f"interrupted; go on with: sheer train digits-mlp --resume {folder}")
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [
    ("recipes",), ("ops",), ("ops", "--host"), ("info",), ("cache",), ("show", "xor"),
    ("show", "xor", "--graph"), ("show", "xor", "--program"), ("show", "xor", "--llvm"),
    ("show", "xor", "--asm")])
def test_a_command_prints_something_and_succeeds(words, tmp_path):
    done = sheer(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 40
    assert list(tmp_path.iterdir()) == []


def test_the_printed_graph_rebuilds_the_graph(tmp_path):
    from sheer.graph import from_text
    text = sheer("show", "xor", "--graph", cwd=tmp_path).stdout
    assert str(from_text(text)).splitlines()[-1] == text.rstrip().splitlines()[-1]


def test_a_graph_is_drawn(tmp_path):
    done = sheer("show", "xor", "--svg", "xor.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "xor.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(("words", "said"), [
    (("train", "mnits-mlp"), "there is no recipe 'mnits-mlp'"),
    (("train", "xor", "--set", "epoch=3"), "there is no setting 'epoch'"),
    (("train", "xor", "--set", "epochs"), "--set epochs is no key=value"),
    (("explain", "E9999"), "there is no page 'E9999'"),
    (("show", "xor", "--asm", "--kernel", "99"), "there is no kernel 99"),
    (("show", "xor", "--llvm", "--kernel", "-1"), "there is no kernel -1"),
    (("show", "xor", "--svg", "/proc/x.svg"), "cannot write the file"),
    (("train", "xor", "--epochs", "0"), "epochs is 0"),
    (("predict", "xor", "--epochs", "-3"), "epochs is -3"),
    (("predict", "xor", "--set", "lr"), "predict: --set lr is no key=value"),
    (("train", "iris", "--data", "/nowhere"), "try  : check --data, or"),
])
def test_a_mistake_is_explained_without_a_traceback(words, said, tmp_path):
    done = sheer(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "setting", "said"), [
    ("dna-motif", "length=2", "need  : length of at least 10"),
    ("adding", "steps=1", "need : steps of at least 2"),
    ("random-walk", "volatility=0", "need      : volatility above 0"),
    ("random-walk", "window=5000", "the window is longer than the series"),
    ("delayed-copy", "lag=100", "lag of 1 to 39"),
    ("delayed-copy", "lag=0", "lag of 1 to 39"),
])
def test_a_setting_that_makes_no_task_is_refused(name, setting, said):
    with pytest.raises(ArgumentError) as caught:
        make(name, dict([setting.split("=")])).data(None)
    assert caught.value.code == "E821"
    assert said in str(caught.value)


def test_far_names_are_not_called_near():
    with pytest.raises(ArgumentError) as caught:
        make("nope")
    assert "nearest" not in str(caught.value)


@pytest.mark.parametrize(("variable", "value"), [
    ("SHEER_THREADS", "abc"), ("SHEER_THREADS", "0"), ("SHEER_THREADS", "-2"),
    ("SHEER_CPU", "foo")])
def test_an_impossible_environment_is_explained(variable, value):
    done = sheer("predict", "xor", **{variable: value})
    assert done.returncode == 2
    assert f"{variable}={value} is " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_printed():
    assert sheer("--version").stdout == f"sheer {__version__}\n"


def test_names_of_recipes_are_whole():
    lines = sheer("recipes", PYTHONIOENCODING="ascii", COLUMNS="80").stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted(RECIPES)
    assert all(line.endswith(f"{make(line.split()[0]).promise[1]:.3g}") for line in lines)


def test_tables_on_a_terminal_fold_but_keep_names(monkeypatch, capsys):
    console = Console(force_terminal=True, width=80, file=sys.stdout, no_color=True)
    monkeypatch.setattr("sheer.commands.tables.Console", lambda: console)
    recipe_table()
    shown = capsys.readouterr().out
    assert all(name in shown for name in RECIPES)
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


def test_cache_shows_and_clears(tmp_path, monkeypatch):
    monkeypatch.setenv("SHEER_CACHE", str(tmp_path))
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "a.o").write_bytes(bytes(2_000_000))
    shown = sheer("cache").stdout
    assert str(tmp_path)[:20] in shown
    assert "2.0 MB" in shown
    assert "537 MB" in shown
    assert "0.0 MB" in sheer("cache", "--clear").stdout
    assert list((tmp_path / "objects").iterdir()) == []


def test_predict_tells_time_memory_and_threads_without_training(tmp_path):
    done = sheer("predict", "digits-mlp", "--epochs", "3", "--batch", "32", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["epochs"] == 3
    assert told["updates"] == 45                          # 1438 rows, 32 at a time
    assert told["epoch"] > 0
    assert told["fits"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_scores_its_prediction(trained):
    folder, done = trained
    assert done.stderr.startswith("predicted: ")
    assert any(line.startswith("predicted epochs of") for line in done.stderr.splitlines())
    run = folder / json.loads(done.stdout.splitlines()[-1])["run"]
    score = json.loads((run / "prediction.json").read_text())
    assert score["ratio"] == score["measured"]["epoch"] / score["predicted"]["epoch"]


@pytest.mark.parametrize(("words", "wanted"), [
    (["--passes"], "# strip_markers: "),
    (["--pass", "fold_constants"], "before:"),
    (["--program", "--epoch"], "1 turns"),
    (["--llvm", "--kernel", "0"], "define "),
])
def test_show_has_every_stage(words, wanted):
    done = sheer("show", "xor", *words)
    assert done.returncode == 0, done.stderr
    assert wanted in done.stdout


def test_show_program_as_data():
    told = json.loads(sheer("show", "xor", "--json").stdout)
    assert told["kernels"]
    assert told["seconds"] > 0
    assert told["machine"]["gflops"]
