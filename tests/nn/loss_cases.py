"""Every loss that torch has, with settings and operands: `make` gets sheer.nn or torch.nn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

rng = np.random.default_rng(11)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def unit(*shape: int) -> np.ndarray:
    return rng.uniform(0.05, 0.95, shape)


def signs(*shape: int) -> np.ndarray:
    return rng.integers(0, 2, shape) * 2.0 - 1


def labels(high: int, *shape: int) -> np.ndarray:
    return rng.integers(0, high, shape)


def simplex(*shape: int) -> np.ndarray:
    raw = rng.uniform(0.1, 1, shape)
    return raw / raw.sum(1, keepdims=True)


def weights(n: int) -> np.ndarray:
    return np.linspace(0.5, 2, n)


def ignored(values: np.ndarray, what: int) -> np.ndarray:
    values.flat[::3] = what
    return values


Loss = tuple[Callable[[Any, Callable[[np.ndarray], Any], str], Any], tuple[np.ndarray, ...]]
# (function of (nn, tensor maker, reduction) -> loss module, operands)
LOSSES: dict[str, list[Loss]] = {
    "MSELoss": [(lambda nn, t, r: nn.MSELoss(reduction=r), (normal(3, 4), normal(3, 4)))],
    "L1Loss": [(lambda nn, t, r: nn.L1Loss(reduction=r), (normal(3, 4), normal(3, 4)))],
    "SmoothL1Loss": [(lambda nn, t, r: nn.SmoothL1Loss(reduction=r), (normal(3, 4), normal(3, 4))),
                     (lambda nn, t, r: nn.SmoothL1Loss(reduction=r, beta=0.3),
                      (normal(3, 4), normal(3, 4))),
                     (lambda nn, t, r: nn.SmoothL1Loss(reduction=r, beta=0.0),
                      (normal(3, 4), normal(3, 4)))],
    "HuberLoss": [(lambda nn, t, r: nn.HuberLoss(reduction=r, delta=0.7),
                   (normal(3, 4), normal(3, 4)))],
    "CrossEntropyLoss": [
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r), (normal(5, 4), labels(4, 5))),
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r), (normal(4), labels(4))),
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r),
         (normal(2, 4, 3, 2), labels(4, 2, 3, 2))),
        (lambda nn, t, r: nn.CrossEntropyLoss(t(weights(4)), reduction=r),
         (normal(5, 4), labels(4, 5))),
        (lambda nn, t, r: nn.CrossEntropyLoss(t(weights(4)), ignore_index=2, reduction=r,
                                              label_smoothing=0.2),
         (normal(2, 4, 5), ignored(labels(4, 2, 5), 2))),
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r, label_smoothing=0.1),
         (normal(6, 4), ignored(labels(4, 6), -100))),
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r), (normal(5, 4), simplex(5, 4))),
        (lambda nn, t, r: nn.CrossEntropyLoss(t(weights(4)), reduction=r, label_smoothing=0.3),
         (normal(2, 4, 3), simplex(2, 4, 3))),
        (lambda nn, t, r: nn.CrossEntropyLoss(reduction=r), (normal(5, 4) * 1e4, labels(4, 5)))],
    "NLLLoss": [(lambda nn, t, r: nn.NLLLoss(reduction=r), (np.log(simplex(5, 4)), labels(4, 5))),
                (lambda nn, t, r: nn.NLLLoss(t(weights(4)), ignore_index=1, reduction=r),
                 (np.log(simplex(2, 4, 3)), ignored(labels(4, 2, 3), 1)))],
    "BCELoss": [(lambda nn, t, r: nn.BCELoss(reduction=r), (unit(3, 4), unit(3, 4))),
                (lambda nn, t, r: nn.BCELoss(t(weights(4)), reduction=r),
                 (unit(3, 4), labels(2, 3, 4).astype(float)))],
    "BCEWithLogitsLoss": [
        (lambda nn, t, r: nn.BCEWithLogitsLoss(reduction=r), (normal(3, 4), unit(3, 4))),
        (lambda nn, t, r: nn.BCEWithLogitsLoss(reduction=r),
         (normal(3, 4) * 1e4, labels(2, 3, 4).astype(float))),
        (lambda nn, t, r: nn.BCEWithLogitsLoss(t(weights(4)), reduction=r,
                                               pos_weight=t(weights(4) * 2)),
         (normal(3, 4), labels(2, 3, 4).astype(float)))],
    "KLDivLoss": [(lambda nn, t, r: nn.KLDivLoss(reduction=r),
                   (np.log(simplex(3, 4)), simplex(3, 4))),
                  (lambda nn, t, r: nn.KLDivLoss(reduction=r, log_target=True),
                   (np.log(simplex(3, 4)), np.log(simplex(3, 4))))],
    "PoissonNLLLoss": [(lambda nn, t, r: nn.PoissonNLLLoss(reduction=r),
                        (normal(3, 4), labels(6, 3, 4).astype(float))),
                       (lambda nn, t, r: nn.PoissonNLLLoss(False, True, reduction=r),
                        (unit(3, 4), labels(6, 3, 4).astype(float)))],
    "GaussianNLLLoss": [(lambda nn, t, r: nn.GaussianNLLLoss(reduction=r),
                         (normal(3, 4), normal(3, 4), unit(3, 4))),
                        (lambda nn, t, r: nn.GaussianNLLLoss(full=True, eps=0.3, reduction=r),
                         (normal(3, 4), normal(3, 4), unit(3, 1))),
                        (lambda nn, t, r: nn.GaussianNLLLoss(reduction=r),
                         (normal(3, 4), normal(3, 4), unit(3)))],
    "HingeEmbeddingLoss": [(lambda nn, t, r: nn.HingeEmbeddingLoss(0.7, reduction=r),
                            (normal(3, 4), signs(3, 4)))],
    "SoftMarginLoss": [(lambda nn, t, r: nn.SoftMarginLoss(reduction=r),
                        (normal(3, 4), signs(3, 4)))],
    "MarginRankingLoss": [(lambda nn, t, r: nn.MarginRankingLoss(0.3, reduction=r),
                           (normal(5), normal(5), signs(5)))],
    "CosineEmbeddingLoss": [(lambda nn, t, r: nn.CosineEmbeddingLoss(0.1, reduction=r),
                             (normal(5, 3), normal(5, 3), signs(5)))],
    "TripletMarginLoss": [
        (lambda nn, t, r: nn.TripletMarginLoss(reduction=r),
         (normal(5, 3), normal(5, 3), normal(5, 3))),
        (lambda nn, t, r: nn.TripletMarginLoss(2.0, 3.0, 1e-4, True, reduction=r),
         (normal(5, 3), normal(5, 3), normal(5, 3)))],
    "MultiMarginLoss": [(lambda nn, t, r: nn.MultiMarginLoss(reduction=r),
                         (normal(5, 4), labels(4, 5))),
                        (lambda nn, t, r: nn.MultiMarginLoss(2, 0.5, t(weights(4)), reduction=r),
                         (normal(5, 4), labels(4, 5)))],
    "MultiLabelMarginLoss": [(lambda nn, t, r: nn.MultiLabelMarginLoss(reduction=r),
                              (normal(2, 4), np.array([[3, 0, -1, 1], [-1, 2, 2, 0]]))),
                             (lambda nn, t, r: nn.MultiLabelMarginLoss(reduction=r),
                              (normal(4), np.array([3, 0, 1, 2])))],
    "MultiLabelSoftMarginLoss": [
        (lambda nn, t, r: nn.MultiLabelSoftMarginLoss(t(weights(4)), reduction=r),
                                  (normal(3, 4), labels(2, 3, 4).astype(float)))],
}
LOSSES["TripletMarginWithDistanceLoss"] = [
    (lambda nn, t, r: nn.TripletMarginWithDistanceLoss(
        distance_function=lambda a, b: (a - b).abs().sum(-1), margin=0.5, swap=True, reduction=r),
     (normal(5, 3), normal(5, 3), normal(5, 3)))]
# the gradient of CTCLoss is compared behind log_softmax: test_nn_ctc.py
OURS_ONLY = {"CTCLoss", "HingeLoss", "FocalLoss", "DiceLoss"}
FLAT_LOSSES = [(name, i, make, operands) for name, cases in LOSSES.items() for i,
               (make, operands) in enumerate(cases)]
