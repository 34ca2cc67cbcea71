"""The table of recipes: the middle of the seeds, their range, and what stands beside them."""

from __future__ import annotations

from recipes_record import table


def row(seconds, accuracy, baselines=None):
    return {"seconds": seconds, "epochs": 1, "test": {"loss": 0.1, "accuracy": accuracy},
            "baselines": baselines or {}}


def test_the_middle_of_the_seeds_and_their_range_stand_beside_baselines():
    simple = {"commonest class": {"accuracy": 0.25}, "of another metric": {"auc": 0.5}}
    page = table({"iris": {"0": row(2.0, 0.97, simple), "1": row(9.0, 0.9), "2": row(1.0, 1.0)}})
    line = page.splitlines()[-1].split(" | ")
    assert line[0] == "| iris"
    assert line[2:4] == ["accuracy 0.97", "0.9 to 1"]
    assert line[5:7] == ["commonest class 0.25", "2.0 s"]


def test_a_recipe_that_is_no_more_has_no_line():
    assert "gone" not in table({"gone": {"0": row(1, 1)}})
