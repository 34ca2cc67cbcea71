"""What users get wrong with losses: whole texts, and that right use gives no warning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from nn_texts import floats, hints, says, text, warned

import sheer
from sheer import nn
from sheer.graph.errors import SheerError, SheerWarning
from sheer.nn import functional as F
from sheer.nn import notes


def test_a_target_that_would_broadcast() -> None:
    for loss in (nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(), nn.HuberLoss(),
                 nn.BCEWithLogitsLoss(), nn.SoftMarginLoss()):
        with pytest.raises(SheerError, match=r"input has shape \(4, 1\), target \(4,\)") as caught:
            loss(floats(4, 1), sheer.tensor([1.0, 1.0, 1.0, 1.0]))
        assert "target.unsqueeze(-1)" in str(caught.value)
    assert text(lambda: F.mse_loss(floats(4), floats(4, 1))) == (
        "mse_loss: input has shape (4,), target (4, 1): "
        "each would be compared with the wrong ones\n"
        "  input : f32[4]\n"
        "  target: f32[4, 1]\n"
        "  need  : equal shapes\n"
        "  try   : target.squeeze(-1)\n"
        "  more  : sheer explain E223")


def test_labels_out_of_range_name_the_row() -> None:
    x = floats(3, 4)
    assert text(lambda: F.cross_entropy(x, sheer.tensor([0, 7, 1]))) == (
        "cross_entropy: label 7 in row 1 is none of the 4 classes\n"
        "  target: i64[3]\n"
        "  need  : 0 <= label < 4\n"
        "  try   : 8 units in the last layer\n"
        "  more  : sheer explain E221")
    says("try   : target - 1, when labels count from 1",
         lambda: F.cross_entropy(x, sheer.tensor([1, 4, 2])))
    says("try   : ignore_index=-1", lambda: F.cross_entropy(x, sheer.tensor([1, -1, 2])))
    says("label 9 in place (0, 1)",
         lambda: F.cross_entropy(floats(1, 4, 2), sheer.tensor([[1, 9]])))


def test_labels_out_of_range_inside_a_compiled_step() -> None:
    step = sheer.jit(F.cross_entropy)
    with pytest.raises(SheerError) as caught:
        step(floats(3, 4), sheer.tensor([0, 7, 1])).item()
    assert caught.value.code == "E221"
    assert "cross_entropy: label 7 in row 1 is none of the 4 classes" in str(caught.value)


def test_labels_of_another_kind_or_shape() -> None:
    x = floats(3, 4)
    says("labels are float32", lambda: F.cross_entropy(x, sheer.tensor([0.0, 1.0, 2.0])))
    says("try   : target.long()", lambda: F.cross_entropy(x, sheer.tensor([0.0, 1.0, 2.0])))
    says("try   : target.long().reshape(-1)",
         lambda: F.cross_entropy(x, sheer.tensor([[0.0], [1.0], [2.0]])))
    assert text(lambda: F.cross_entropy(x, sheer.tensor([[0], [1], [2]]))) == (
        "cross_entropy: labels have shape (3, 1), the places to label (3,)\n"
        "  input : f32[3, 4]\n"
        "  target: i64[3, 1]\n"
        "  need  : one label per place: (3,)\n"
        "  try   : target.squeeze(1)\n"
        "  more  : sheer explain E223")
    hot = sheer.tensor(np.eye(4)[:3].astype(np.int64))
    says("target.argmax(1), for one-hot rows", lambda: F.cross_entropy(x, hot))


def test_one_class_alone() -> None:
    says("one class alone", lambda: F.cross_entropy(floats(3, 1), sheer.tensor([0, 0, 0])))
    layer = nn.Linear(3, 1)
    assert warned(lambda: F.softmax(layer(floats(2, 3)), 1)) == (
        "W205 softmax: one unit alone: the result is a constant, whatever the layer computes\n"
        "  input: f32[2, 1]\n"
        "  need : two or more units, or sigmoid for a single one\n"
        "  try  : sigmoid(input)\n"
        "  more : sheer explain W205")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.softmax(floats(2, 1),
                  1)               # say attention over a single step: nothing wrong with it


def test_probabilities_in_place_of_scores() -> None:
    x, y = floats(3, 4), sheer.tensor([0, 1, 2])
    assert warned(lambda: F.cross_entropy(F.softmax(x, 1), y)) == (
        "W202 cross_entropy: the input is probabilities; "
        "cross_entropy applies softmax or sigmoid itself\n"
        "  input: f32[3, 4]\n"
        "  need : the scores of the last layer, without activation\n"
        "  try  : nll_loss(log(input), target)\n"
        "  more : sheer explain W202")
    net = nn.Sequential(nn.Linear(4, 4), nn.Softmax(1))
    hints("W202", lambda: nn.CrossEntropyLoss()(net(x), y))
    hints("W202", lambda: sheer.jit(lambda a: nn.CrossEntropyLoss()(net(a), y))(x))
    hints("W202", lambda: F.cross_entropy(F.sigmoid(x).reshape(3, 4, 1), y.reshape(3, 1)))
    hints("W207", lambda: F.cross_entropy(F.log_softmax(x, 1), y))
    target = sheer.tensor([1.0, 0.0, 1.0])
    hints("W202", lambda: F.binary_cross_entropy_with_logits(F.sigmoid(floats(3)), target))


def test_scores_in_place_of_probabilities() -> None:
    x, layer = floats(3, 4), nn.Linear(4, 1)
    target = sheer.tensor([[1.0], [0.0], [1.0]])
    hints("W203 binary_cross_entropy: the input is scores",
          lambda: F.binary_cross_entropy(layer(x), target))
    labels = sheer.tensor([0, 1, 2])
    hints("W203 nll_loss: the input is probabilities", lambda: F.nll_loss(F.softmax(x, 1), labels))
    hints("W203 nll_loss: the input is scores", lambda: F.nll_loss(nn.Linear(4, 4)(x), labels))
    hints("W203 kl_div", lambda: F.kl_div(F.softmax(x, 1), F.softmax(x, 1)))
    says("input 1.5 is no probability",
         lambda: F.binary_cross_entropy(sheer.tensor([1.5]), sheer.tensor([1.0])))
    says("target 2.0 is no probability",
         lambda: F.binary_cross_entropy_with_logits(sheer.tensor([1.5]), sheer.tensor([2.0])))


def test_right_use_gives_no_warning() -> None:
    x, y = floats(3, 4), sheer.tensor([0, 1, 2])
    layer = nn.Linear(4, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.cross_entropy(layer(x), y)
        F.nll_loss(F.log_softmax(layer(x), 1), y)
        F.nll_loss(F.softmax(layer(x), 1).log(), y)
        F.binary_cross_entropy(F.sigmoid(layer(x)), F.sigmoid(x))
        F.binary_cross_entropy_with_logits(layer(x), F.sigmoid(x))
        F.kl_div(F.log_softmax(layer(x), 1), F.softmax(x, 1), reduction="batchmean")


def test_a_warning_comes_once_per_line() -> None:
    notes._said.clear()
    x, y = floats(3, 4), sheer.tensor([0, 1, 2])
    def often():
        for _ in range(3):
            F.cross_entropy(F.softmax(x, 1), y)
    with pytest.warns(SheerWarning) as caught:
        often()
    assert len(caught) == 1


def test_softmax_without_an_axis() -> None:
    hints("W204 softmax: dim was left out; 1 is taken", lambda: F.softmax(floats(2, 3)))


def test_labels_of_margin_losses() -> None:
    says("try   : 2 * target - 1", lambda: F.hinge_loss(floats(2), sheer.tensor([0.0, 1.0])))
    says("E227", lambda: F.gaussian_nll_loss(floats(2), floats(2),
                                                      sheer.tensor([-1.0, 1.0])))
