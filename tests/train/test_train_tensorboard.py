"""The event file of a training holds its history, record by record with its check sums."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event

import sheer
from sheer.graph.errors import MissingError
from sheer.train import Run, TensorBoard


def masked(data: bytes) -> int:
    """TensorFlow's masked check sum of a record."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def events(folder):
    """The events of all files of a folder, read as the format says."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        body = path.read_bytes()
        while body:
            (length,), (crc,) = struct.unpack("<Q", body[:8]), struct.unpack("<I", body[8:12])
            data, (check,) = body[12:12 + length], struct.unpack_from("<I", body, 12 + length)
            assert (masked(body[:8]), masked(data)) == (crc, check)
            found.append(Event.FromString(data))
            body = body[16 + length:]
    return found


def scalars(folder):
    return {(v.tag, e.step): v.simple_value for e in events(folder) for v in e.summary.value
            if v.HasField("simple_value")}


def test_the_history_stands_in_the_file(problem, tmp_path):
    data = (problem.x, problem.y)
    run = problem.fit(*problem.make(), validation=data, metrics=["accuracy"],
                      callbacks=[TensorBoard(tmp_path, histograms=2)])
    found = scalars(tmp_path)
    names = {"loss/train": "loss", "loss/validation": "val_loss", "accuracy/train": "accuracy",
             "accuracy/validation": "val_accuracy", "rate": "rate", "seconds": "seconds"}
    assert found.keys() == {(tag, row["epoch"]) for tag in names for row in run.history}
    for (tag, step), value in found.items():
        np.testing.assert_allclose(value, run.history[step - 1][names[tag]], rtol=1e-6)
    histograms = {(v.tag, e.step): v.histo for e in events(tmp_path) for v in e.summary.value
                  if v.HasField("histo")}
    assert {step for _, step in histograms} == {2}
    assert histograms["0.weight", 2].num == 5 * 8


def test_a_resumed_training_goes_on_at_its_step(problem, tmp_path):
    run = Run.open(tmp_path / "run", {})
    problem.fit(*problem.make(), epochs=1, run=run, callbacks=[TensorBoard(tmp_path / "board")])
    problem.fit(*problem.make(), epochs=3, run=Run.open(tmp_path / "run"), resume=True,
                callbacks=[TensorBoard(tmp_path / "board")])
    assert [s for tag, s in sorted(scalars(tmp_path / "board")) if tag == "loss"] == [1, 2, 3]


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingError) as caught:
        TensorBoard(tmp_path)
    assert str(caught.value) == """\
TensorBoard: needs tensorboardX, which is not installed
  need : pip install "sheer[tensorboard]"
  more : sheer explain E840"""


def test_a_loop_of_ones_own_writes_tensors_under_the_usual_name(tmp_path):
    from sheer.utils.tensorboard import SummaryWriter
    with SummaryWriter(str(tmp_path)) as board:
        board.add_scalar("loss", sheer.tensor(0.5, requires_grad=True), 3)
        board.add_scalars("both", {"train": sheer.tensor(1.0), "test": 2.0}, 3)
        board.add_histogram("weight", sheer.nn.Linear(2, 3).weight, global_step=3)
        board.add_image("picture", sheer.rand(3, 4, 5), 3)
    assert scalars(tmp_path)["loss", 3] == 0.5
    assert {sum(scalars(f).values()) for f in (tmp_path / "both").iterdir()} == {1.0, 2.0}
    values = {v.tag: v for e in events(tmp_path) for v in e.summary.value}
    assert values["weight"].histo.num == 6
    assert (values["picture"].image.height, values["picture"].image.width) == (4, 5)


def test_a_writer_says_what_it_cannot_draw_and_what_it_needs(tmp_path, monkeypatch):
    from sheer.utils.tensorboard import SummaryWriter
    with SummaryWriter(str(tmp_path)) as board, pytest.raises(MissingError) as caught:
        board.add_graph(sheer.nn.Linear(2, 3), sheer.ones(1, 2))
    assert str(caught.value) == """\
SummaryWriter: there is no add_graph
  need : sheer.explain.to_svg(sheer.jit(model).lower(x)), a picture
  more : sheer explain E190"""
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingError, match="E840"):
        SummaryWriter(str(tmp_path))
