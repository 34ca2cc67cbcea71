"""Learning curves: losses of training and validation flow in; a verdict on them comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TAIL = 5            # epochs whose median is "the end"
GAP = 1.3           # validation above its own best, or above training, by this factor: too far


def judge_curves(train: Sequence[float], validation: Sequence[float], *, baseline: float,
                 floor: float = 0.0) -> str:
    """"overfit", "underfit" or "good", from the losses of every epoch.

    underfit  even the training loss stays near that of the best constant answer: less than half of
              the way from `baseline` to `floor` is gone
    overfit   validation ends well above its own best, or well above training
    good      neither

    baseline  loss of the best constant answer, e.g. the entropy of the labels
    floor     the loss that cannot be beaten (noise), as far as known
    """
    end = lambda values: float(np.median(np.asarray(values, float)[-TAIL:])) - floor
    learned, held, room = end(train), end(validation), baseline - floor
    best = float(np.min(validation)) - floor
    margin = 0.02 * room                                  # losses near the floor have no ratio
    if learned > 0.5 * room:
        return "underfit"
    if held > GAP * best + margin or held > GAP * learned + 5 * margin:
        return "overfit"
    return "good"
