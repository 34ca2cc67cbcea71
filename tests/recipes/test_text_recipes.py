"""Recipes of text: rows of the table of systems, each figure beside its baseline."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from recipes_record import SEEDS, each
from sheer.recipes import make, run

SMALL: dict[str, dict[str, str]] = {
    "sentiment-cnn": {"epochs": "1", "width": "8", "test_fraction": "0.9"},
    "sentiment-rnn": {"epochs": "1", "width": "8", "hidden": "8", "test_fraction": "0.9"},
    "sentiment-transformer": {"epochs": "1", "width": "8", "test_fraction": "0.9"},
    "ner-bilstm": {"epochs": "1", "width": "8", "hidden": "8", "batch_size": "100"},
    "translate-lstm": {"epochs": "1", "train_pairs": "200", "test_pairs": "20", "pieces": "400",
                       "width": "8", "hidden": "8", "longest": "60"},
    "translate-transformer": {"epochs": "1", "train_pairs": "200", "test_pairs": "20",
                              "pieces": "400", "width": "8", "longest": "60"},
    "dates": {"epochs": "1", "rows": "200", "test_rows": "20", "hidden": "8"},
    "reverse": {"epochs": "1", "rows": "200", "test_rows": "20", "hidden": "8"},
    "stories": {"epochs": "1", "rows": "200", "test_rows": "20"},
    "captions": {"epochs": "1", "rows": "200", "test_rows": "20", "hidden": "8"},
    "spans": {"epochs": "1", "rows": "200", "test_rows": "20"},
}

QUICK = {"ner-bilstm", "translate-lstm", "spans"}


@pytest.mark.parametrize("name", [
    pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in SMALL])
def test_a_recipe_prints_and_saves_its_figure_picture_and_baseline(name, shared_data, tmp_path):
    pytest.importorskip("matplotlib")
    recipe = make(name, SMALL[name])
    outcome = run(recipe, data_dir=shared_data, out=tmp_path, progress=False)
    metric = recipe.promise[0]
    kept = json.loads((outcome.run.folder / "scores.json").read_text())
    assert np.isfinite(kept["test"][metric])
    assert kept["baselines"]
    assert all(np.isfinite(found[metric]) for found in kept["baselines"].values())
    pictures = {p.name for p in outcome.pictures}
    assert "learning-curve.png" in pictures
    assert len(pictures) > 1 or name == "translate-transformer"
    assert all(p.stat().st_size > 1000 for p in outcome.pictures)


# ---- what they reach: minutes --------------------------------------------------------------------

def scores(name: str, reached: Any) -> tuple[list[float], float, str]:
    """The promised figure for each seed, that of the baseline, and both as a text."""
    metric = make(name).promise[0]
    outcomes = [reached(name, seed) for seed in SEEDS]
    found = [o.test[metric] for o in outcomes]
    (simple, other), = outcomes[0].baselines.items()
    text = (f"{name}: {metric} {np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f} over "
            f"{len(found)} seeds); {simple}: {other[metric]:.3f}")
    return found, other[metric], text


@pytest.mark.slow
@pytest.mark.system("Sentiment analysis")
@pytest.mark.parametrize("name", each("sentiment-rnn", "sentiment-lstm", "sentiment-bilstm",
                                      "sentiment-cnn", "sentiment-transformer"))
def test_every_kind_of_network_reads_sentiments(name, reached, figure):
    found, _, text = scores(name, reached)
    figure(text)
    assert np.mean(found) >= make(name).promise[1]


@pytest.mark.slow
@pytest.mark.system("Text classification, text mining")
@pytest.mark.xdist_group("sentiment-lstm")
def test_sentences_are_classified(reached, figure):
    found, simple, text = scores("sentiment-lstm", reached)
    figure(text)
    assert np.mean(found) >= 0.75
    assert np.mean(found) > simple


@pytest.mark.slow
@pytest.mark.system("Sequence tagging (named entities)")
@pytest.mark.xdist_group("ner-bilstm")
def test_entities_are_found_better_than_by_a_dictionary(reached, figure):
    found, simple, text = scores("ner-bilstm", reached)
    figure(text)
    assert np.mean(found) > simple


@pytest.mark.slow
@pytest.mark.system("Machine translation")
@pytest.mark.parametrize("name", each("translate-transformer", "translate-lstm"))
def test_captions_are_translated(name, reached, figure):
    found, simple, text = scores(name, reached)
    figure(f"{text}; 30 asked of a GPU, this is what minutes of a CPU reach")
    assert found[0] >= make(name).promise[1]
    assert found[0] > simple


@pytest.mark.slow
@pytest.mark.system("Machine translation")
@pytest.mark.xdist_group("dates")
def test_dates_are_written_exactly(reached, figure):
    found, _, text = scores("dates", reached)
    figure(text)
    assert np.mean(found) >= 0.99


@pytest.mark.slow
@pytest.mark.system("Sequence-to-sequence encoder-decoder")
@pytest.mark.xdist_group("reverse")
def test_strings_are_reversed_exactly(reached, figure):
    found, _, text = scores("reverse", reached)
    figure(f"{text}; strings of 3 to 10 letters")
    assert np.mean(found) >= 0.99


@pytest.mark.slow
@pytest.mark.system("Question answering")
@pytest.mark.xdist_group("stories")
def test_stories_are_understood(reached, figure):
    found, _, text = scores("stories", reached)
    figure(text)
    assert np.mean(found) >= 0.95
    for facts in ("one_fact", "two_facts"):
        assert np.mean([reached("stories", s).test[facts] for s in SEEDS]) >= 0.95


@pytest.mark.slow
@pytest.mark.system("Question answering")
@pytest.mark.xdist_group("spans")
def test_answers_are_cut_out_exactly(reached, figure):
    found, _, text = scores("spans", reached)
    figure(text)
    assert np.mean(found) >= 0.95


@pytest.mark.slow
@pytest.mark.system("One-to-many, many-to-one, many-to-many arrangements", "Image captioning")
@pytest.mark.xdist_group("captions")
def test_pictures_are_captioned(reached, figure):
    found, _, text = scores("captions", reached)
    seen = [reached("captions", s).test["looks_at_it"] for s in SEEDS]
    figure(f"one to many: {text}; attention on the thing named: {np.mean(seen):.2f}")
    assert np.mean(found) >= 0.9
    assert np.mean(seen) >= 0.9


@pytest.mark.slow
@pytest.mark.system("Text generation")
@pytest.mark.parametrize("name", each("shakespeare-gpt", "char-lstm"))
def test_the_next_character_is_told_better_than_by_counting(name, reached, figure):
    found, simple, text = scores(name, reached)
    figure(f"{text} (nats per character; at most 1.6 asked)")
    assert found[0] <= make(name).promise[1]
    assert found[0] < simple
