"""summary counts what it should; tensors, modules and runs show themselves in notebooks."""

from __future__ import annotations

import io
import textwrap

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.graph import SheerError
from sheer.train import Run


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 7 * 7, 10))


def test_the_table_of_a_small_network() -> None:
    table = nn.summary(net(), (1, 3, 16, 16))
    assert [r.output for r in table.layers] == [
        "(1, 10)", "(1, 8, 14, 14)", "(1, 8, 14, 14)", "(1, 8, 14, 14)", "(1, 8, 7, 7)", "(1, 392)",
        "(1, 10)"]
    assert [r.parameters for r in table.layers] == [4162, 216, 16, 0, 0, 0, 3930]
    # a product and its sum are two operations; every tap of every output of the convolution
    assert table.layers[1].flops == 2 * 3 * 9 * 8 * 14 * 14
    assert table.layers[6].flops == 2 * 392 * 10 + 10
    assert table.flops == sum(r.flops for r in table.layers[1:])
    assert table.parameters == sum(p.numel() for p in net().parameters())


def test_the_printed_form_whole() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    assert str(nn.summary(model, (5, 4))) == textwrap.dedent("""
        layer         output  parameters  FLOPs
        ---------------------------------------
        Sequential    (5, 2)          23    220
          0 (Linear)  (5, 3)          15    135
          1 (ReLU)    (5, 3)           0     15
          2 (Linear)  (5, 2)           8     70
        ---------------------------------------
        parameters  23 (8 trainable), 92B
        FLOPs       220""").strip("\n")


def test_nothing_is_left_behind_and_nothing_is_computed() -> None:
    model = net().train()
    model[3].eval()
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    step = sheer.jit(model)
    x = sheer.zeros(2, 3, 16, 16)
    step(x)
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    nn.summary(model, (1, 3, 16, 16))
    step(x)
    assert step.traces == 1
    assert [m.training for m in model] == [True, True, True, False, True, True]
    nn.summary(model, (1, 3, 16, 16))
    assert int(model[1].num_batches_tracked) == int(before["1.num_batches_tracked"]) + 1


def test_inputs_of_other_kinds_lazy_layers_shared_weights_and_depth() -> None:
    text = nn.Sequential(nn.Embedding(10, 4), nn.LazyLinear(3))
    table = nn.summary(text, example=sheer.tensor([[1, 2, 3]]))
    assert [r.kind for r in table.layers] == ["Sequential", "Embedding", "Linear"]
    lstm = nn.summary(nn.LSTM(3, 4), (5, 2, 3))
    assert lstm.layers[0].output == "(5, 2, 4), (1, 2, 4), (1, 2, 4)"
    assert lstm.flops > 0
    both = nn.summary(nn.Bilinear(3, 4, 2).double(), [(5, 3), (5, 4)], dtype="float64")
    assert both.layers[0].inputs == ("(5, 3)", "(5, 4)")
    half = nn.Linear(4, 4)
    tied = nn.summary(nn.Sequential(half, nn.Sequential(half)), (1, 4), depth=1)
    assert tied.parameters == 20
    assert [r.depth for r in tied.layers] == [0, 1, 1]
    with pytest.raises(SheerError, match="E251"):
        nn.summary(half)


def test_the_flops_of_a_known_network_are_those_of_torchs_counter() -> None:
    from torch.utils.flop_counter import FlopCounterMode
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2, 1, bias=False), torch.nn.ReLU(),
                                torch.nn.Conv2d(8, 16, 3, groups=2, bias=False),
                                torch.nn.Flatten(), torch.nn.Linear(16 * 36, 10, bias=False))
    with FlopCounterMode(display=False) as counter:
        other(torch.zeros(2, 3, 16, 16))
    mine = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.ReLU(),
                         nn.Conv2d(8, 16, 3, groups=2, bias=False), nn.Flatten(),
                         nn.Linear(16 * 36, 10, bias=False))
    table = nn.summary(mine, (2, 3, 16, 16))
    relu = 2 * 8 * 8 * 8                                # torch counts products alone
    assert table.flops == counter.get_total_flops() + relu


def test_rich_prints_it() -> None:
    from rich.console import Console
    out = io.StringIO()
    Console(file=out, width=100).print(nn.summary(net(), (1, 3, 16, 16)))
    assert "0 (Conv2d)" in out.getvalue()
    assert "4,162" in out.getvalue()


def test_notebooks_show_tensors_modules_and_runs() -> None:
    small = sheer.tensor([[1.5, 2.0], [3.0, 4.0]], requires_grad=True)._repr_html_()
    assert "f32[2, 2], requires gradient" in small
    assert small.count("<td") == 4
    large = sheer.tensor(np.arange(400.0).reshape(20, 20), dtype="float64")._repr_html_()
    assert "from 0 to 399, mean 199.5" in large
    assert large.count("<tr>") == 9
    assert "f32[2, 3, 4]" in sheer.zeros(2, 3, 4)._repr_html_()
    module = net()._repr_html_()
    assert module.count("<details") == 1
    assert "4.16 k parameters" in module
    assert "3.93 k parameters" in module
    assert "&lt;" not in nn.Linear(2, 2)._repr_html_()
    table = nn.summary(net(), (1, 3, 16, 16))._repr_html_()
    assert "(1, 392)" in table
    run = Run()
    assert "not begun" in run._repr_html_()
    run.log({"epoch": 1, "loss": 2.0, "val_loss": 3.0})
    run.log({"epoch": 2, "loss": 1.0, "val_loss": float("nan")})
    shown = run._repr_html_()
    assert "2 epochs" in shown
    assert shown.count("<svg") == 1                     # one curve has a single point: none
    for page in (small, large, module, table, shown):
        assert page.count("<table") == page.count("</table>")
        assert page.count("<div") == page.count("</div>")
