"""Every layer, with settings and inputs: one table for parity with torch and for `check_layer`.

`make` gets sheer.nn or torch.nn, so that names, argument order and defaults are the same in both.
An input is a shape (normal numbers) or an integer array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A layer under some settings, and inputs to call it with."""

    make: Callable[[Any], Any]
    inputs: tuple[tuple[Any, ...], ...]       # several calls
    torch: bool = True                        # has torch the same layer?
    random: bool = False                      # draws numbers in training: parity in eval mode only
    rtol: float | None = None                 # where torch is the one that is off


def ints(shape: tuple[int, ...], high: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, high, shape)


def one(make: Callable[[Any], Any], *shapes: Any, **more: Any) -> Case:
    """One input per call."""
    return Case(make, tuple((s,) for s in shapes), **more)


SHAPES = (2, 3, 4), (5,), ()

CASES: dict[str, list[Case]] = {
    "Linear": [one(lambda nn: nn.Linear(4, 3), (2, 4), (4,), (2, 5, 4)),
               one(lambda nn: nn.Linear(4, 3, False), (2, 4)),
               one(lambda nn: nn.Linear(1, 1), (3, 1))],
    "Bilinear": [Case(lambda nn: nn.Bilinear(3, 4, 2), (((5, 3), (5, 4)), ((2, 5, 3), (2, 5, 4)))),
                 Case(lambda nn: nn.Bilinear(3, 4, 2, False), (((5, 3), (5, 4)),))],
    "Embedding": [one(lambda nn: nn.Embedding(7, 3), ints((2, 5), 7), ints((4,), 7)),
                  one(lambda nn: nn.Embedding(7, 3, padding_idx=2),
                      np.array([[2, 1, 2], [0, 6, 2]])),
                  one(lambda nn: nn.Embedding(7, 3, -1), np.array([6, 1, 6]))],
    "Conv1d": [one(lambda nn: nn.Conv1d(4, 6, 3), (2, 4, 9), (4, 9)),
               one(lambda nn: nn.Conv1d(4, 6, 3, 2, 1, 2, 2, False), (2, 4, 11)),
               one(lambda nn: nn.Conv1d(2, 3, 4, padding="same", dilation=2), (2, 2, 10)),
               one(lambda nn: nn.Conv1d(2, 3, 4, padding="valid"), (2, 2, 10)),
               one(lambda nn: nn.Conv1d(2, 3, 3, padding=2, padding_mode="circular"), (2, 2, 6)),
               one(lambda nn: nn.Conv1d(2, 3, 3, padding="same", padding_mode="replicate"),
                   (2, 2, 6))],
    "Conv2d": [one(lambda nn: nn.Conv2d(3, 4, 3), (2, 3, 6, 5), (3, 6, 5)),
               one(lambda nn: nn.Conv2d(4, 4, (3, 2), (2, 1), (1, 2), (1, 2), 4), (2, 4, 7, 6)),
               one(lambda nn: nn.Conv2d(2, 3, (1, 3), padding="same", bias=False), (2, 2, 5, 6)),
               one(lambda nn: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 2, 5, 4)),
               one(lambda nn: nn.Conv2d(2, 3, 3, padding="same", padding_mode="circular"),
                   (2, 2, 5, 4))],
    "Conv3d": [one(lambda nn: nn.Conv3d(2, 3, 2), (2, 2, 4, 3, 4), (2, 4, 3, 4)),
               one(lambda nn: nn.Conv3d(2, 2, (1, 2, 3), 2, 1, groups=2), (2, 2, 3, 4, 5))],
    "ConvTranspose1d": [one(lambda nn: nn.ConvTranspose1d(4, 6, 3), (2, 4, 5), (4, 5)),
                        one(lambda nn: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, True, 2),
                            (2, 4, 5))],
    "ConvTranspose2d": [one(lambda nn: nn.ConvTranspose2d(3, 4, 3), (2, 3, 4, 5), (3, 4, 5)),
                        one(lambda nn: nn.ConvTranspose2d(4, 2, (2, 3), (3, 2), (1, 0), (2, 1), 2,
                                                          False), (2, 4, 3, 3))],
    "ConvTranspose3d": [one(lambda nn: nn.ConvTranspose3d(2, 3, 2, 2), (1, 2, 2, 3, 2))],
    "MaxPool1d": [one(lambda nn: nn.MaxPool1d(2), (2, 3, 7), (3, 7)),
                  one(lambda nn: nn.MaxPool1d(3, 2, 1, 2), (2, 3, 9)),
                  one(lambda nn: nn.MaxPool1d(3, 2, ceil_mode=True), (2, 3, 8))],
    "MaxPool2d": [one(lambda nn: nn.MaxPool2d(2), (2, 3, 6, 5), (3, 6, 5)),
                  one(lambda nn: nn.MaxPool2d((3, 2), (1, 2), (1, 0), return_indices=True),
                      (2, 3, 6, 5))],
    "MaxPool3d": [one(lambda nn: nn.MaxPool3d(2, 1), (2, 2, 3, 4, 3), (2, 3, 4, 3))],
    "MaxUnpool1d": [Case(lambda nn: nn.MaxUnpool1d(2), (((1, 1, 3), np.array([[[0, 3, 5]]])),))],
    "MaxUnpool2d": [Case(lambda nn: nn.MaxUnpool2d(2),
                         (((1, 2, 2, 1), np.array([[[[0], [5]], [[3], [6]]]])),)),
                    Case(lambda nn: nn.MaxUnpool2d(2, 2), (((1, 2, 1), np.array([[[0], [5]]])),))],
    "MaxUnpool3d": [Case(lambda nn: nn.MaxUnpool3d(2),
                         (((1, 1, 1, 1, 2), np.array([[[[[0, 7]]]]])),))],
    "AvgPool1d": [one(lambda nn: nn.AvgPool1d(2), (2, 3, 7), (3, 7)),
                  one(lambda nn: nn.AvgPool1d(3, 2, 1, True, False), (2, 3, 8))],
    "AvgPool2d": [one(lambda nn: nn.AvgPool2d(2), (2, 3, 6, 5), (3, 6, 5)),
                  one(lambda nn: nn.AvgPool2d((3, 2), 2, (1, 0), True, False), (2, 3, 6, 5)),
                  one(lambda nn: nn.AvgPool2d(2, divisor_override=3), (2, 3, 4, 4))],
    "AvgPool3d": [one(lambda nn: nn.AvgPool3d(2, 1), (2, 2, 3, 4, 3))],
    "AdaptiveAvgPool1d": [one(lambda nn: nn.AdaptiveAvgPool1d(3), (2, 3, 7), (3, 6))],
    "AdaptiveAvgPool2d": [one(lambda nn: nn.AdaptiveAvgPool2d((3, 2)), (2, 3, 7, 4), (3, 6, 4)),
                          one(lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 5, 4)),
                          one(lambda nn: nn.AdaptiveAvgPool2d((None, 2)), (2, 3, 5, 4))],
    "AdaptiveAvgPool3d": [one(lambda nn: nn.AdaptiveAvgPool3d(2), (1, 2, 4, 3, 2))],
    "AdaptiveMaxPool1d": [one(lambda nn: nn.AdaptiveMaxPool1d(3), (2, 3, 7))],
    "AdaptiveMaxPool2d": [one(lambda nn: nn.AdaptiveMaxPool2d((3, 2), True), (2, 3, 7, 4)),
                          one(lambda nn: nn.AdaptiveMaxPool2d(2), (3, 4, 4))],
    "AdaptiveMaxPool3d": [one(lambda nn: nn.AdaptiveMaxPool3d(2), (1, 2, 4, 3, 2))],
    "BatchNorm1d": [one(lambda nn: nn.BatchNorm1d(3), (4, 3), (4, 3, 5)),
                    one(lambda nn: nn.BatchNorm1d(3, 1e-3, None), (4, 3)),
                    one(lambda nn: nn.BatchNorm1d(3, affine=False), (4, 3)),
                    one(lambda nn: nn.BatchNorm1d(3, track_running_stats=False), (4, 3))],
    "BatchNorm2d": [one(lambda nn: nn.BatchNorm2d(3, momentum=0.3), (2, 3, 4, 5), (1, 3, 2, 4))],
    "BatchNorm3d": [one(lambda nn: nn.BatchNorm3d(2), (2, 2, 3, 2, 2))],
    "InstanceNorm1d": [one(lambda nn: nn.InstanceNorm1d(3), (2, 3, 5), (3, 5)),
                       one(lambda nn: nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
                           (2, 3, 5))],
    "InstanceNorm2d": [one(lambda nn: nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 3), (3, 4, 3))],
    "InstanceNorm3d": [one(lambda nn: nn.InstanceNorm3d(2), (2, 2, 3, 2, 2))],
    "LayerNorm": [one(lambda nn: nn.LayerNorm(4), (2, 4), (2, 3, 4)),
                  one(lambda nn: nn.LayerNorm((3, 4), 1e-3), (2, 3, 4)),
                  one(lambda nn: nn.LayerNorm(4, elementwise_affine=False), (2, 4)),
                  one(lambda nn: nn.LayerNorm(4, bias=False), (2, 4))],
    "RMSNorm": [one(lambda nn: nn.RMSNorm(4), (2, 4)),
                one(lambda nn: nn.RMSNorm((3, 4), 1e-3, False), (2, 3, 4))],
    "GroupNorm": [one(lambda nn: nn.GroupNorm(2, 8), (2, 8, 5), (2, 8, 3, 2), (2, 8)),
                  one(lambda nn: nn.GroupNorm(4, 4, affine=False), (2, 4, 5))],
    "LocalResponseNorm": [one(lambda nn: nn.LocalResponseNorm(3, 0.1), (2, 5, 3), (2, 4, 3, 2)),
                          one(lambda nn: nn.LocalResponseNorm(2), (2, 4, 3))],
    "Dropout": [one(lambda nn: nn.Dropout(0.4), (3, 4), random=True),
                one(lambda nn: nn.Dropout(0), (3, 4))],
    "Dropout1d": [one(lambda nn: nn.Dropout1d(0.4), (2, 3, 4), random=True)],
    "Dropout2d": [one(lambda nn: nn.Dropout2d(0.4), (2, 3, 4, 2), random=True)],
    "Dropout3d": [one(lambda nn: nn.Dropout3d(0.4), (2, 3, 2, 2, 2), random=True)],
    "AlphaDropout": [one(lambda nn: nn.AlphaDropout(0.4), (3, 4), random=True)],
    "Upsample": [one(lambda nn: nn.Upsample(scale_factor=2), (2, 3, 4), (2, 3, 4, 3)),
                 one(lambda nn: nn.Upsample(size=(5, 3)), (2, 3, 4, 4)),
                 one(lambda nn: nn.Upsample(scale_factor=1.7), (2, 3, 4, 5)),
                 one(lambda nn: nn.Upsample(size=7, mode="nearest-exact"), (2, 3, 4)),
                 one(lambda nn: nn.Upsample(size=7, mode="linear"), (2, 3, 4)),
                 one(lambda nn: nn.Upsample(scale_factor=(2, 1.5), mode="bilinear"), (2, 3, 4, 5)),
                 one(lambda nn: nn.Upsample(size=(6, 1), mode="bilinear", align_corners=True),
                     (2, 3, 4, 5)),
                 one(lambda nn: nn.Upsample(scale_factor=2, mode="trilinear"), (1, 2, 2, 3, 2)),
                 one(lambda nn: nn.Upsample(size=3, mode="area"), (2, 3, 7))],
    "PixelShuffle": [one(lambda nn: nn.PixelShuffle(2), (2, 8, 3, 2), (8, 3, 2))],
    "PixelUnshuffle": [one(lambda nn: nn.PixelUnshuffle(2), (2, 2, 6, 4))],
    "ZeroPad1d": [one(lambda nn: nn.ZeroPad1d((1, 2)), (2, 3, 4))],
    "ZeroPad2d": [one(lambda nn: nn.ZeroPad2d(1), (2, 3, 4)),
                  one(lambda nn: nn.ZeroPad2d((1, -1, 0, 2)), (2, 3, 4, 4))],
    "ConstantPad1d": [one(lambda nn: nn.ConstantPad1d(2, 1.5), (2, 3, 4))],
    "ConstantPad2d": [one(lambda nn: nn.ConstantPad2d((1, 0, 2, 1), -1.0), (2, 3, 4, 4))],
    "ReflectionPad1d": [one(lambda nn: nn.ReflectionPad1d((2, 1)), (2, 3, 4))],
    "ReflectionPad2d": [one(lambda nn: nn.ReflectionPad2d((2, 1, 0, 1)), (2, 3, 4, 4))],
    "ReplicationPad1d": [one(lambda nn: nn.ReplicationPad1d((2, 5)), (2, 3, 4))],
    "ReplicationPad2d": [one(lambda nn: nn.ReplicationPad2d((2, 1, 0, 1)), (2, 3, 4, 4))],
    "CircularPad1d": [one(lambda nn: nn.CircularPad1d((4, 1)), (2, 3, 4))],
    "CircularPad2d": [one(lambda nn: nn.CircularPad2d((2, 1, 0, 1)), (2, 3, 4, 4))],
    "Identity": [one(lambda nn: nn.Identity(54, unused=1), (2, 3))],
    "Flatten": [one(lambda nn: nn.Flatten(), (2, 3, 4)),
                one(lambda nn: nn.Flatten(0, 1), (2, 3, 4))],
    "Unflatten": [one(lambda nn: nn.Unflatten(1, (2, 3)), (4, 6, 2)),
                  one(lambda nn: nn.Unflatten(-1, (3, 2)), (4, 6))],
    "PReLU": [one(lambda nn: nn.PReLU(), *SHAPES), one(lambda nn: nn.PReLU(3, 0.1), (2, 3, 4))],
    "GLU": [one(lambda nn: nn.GLU(), (2, 6)), one(lambda nn: nn.GLU(0), (4, 3))],
    "Softmax2d": [one(lambda nn: nn.Softmax2d(), (2, 3, 4, 2), (3, 4, 2))],
    "Swish": [one(lambda nn: nn.Swish(1.5), *SHAPES, torch=False),
              one(lambda nn: nn.Swish(0.7, learned=True), (3, 4), torch=False)],
    "Maxout": [one(lambda nn: nn.Maxout(2), (3, 6), torch=False)],
    "Sine": [one(lambda nn: nn.Sine(3.0), (3, 6), torch=False)],
    "Cosine": [one(lambda nn: nn.Cosine(3.0), (3, 6), torch=False)],
    "Snake": [one(lambda nn: nn.Snake(2.0), (3, 6), torch=False)],
    "Step": [one(lambda nn: nn.Step(), (3, 6), torch=False),
             one(lambda nn: nn.Step(True), (3, 6), torch=False)],
    "Activation": [one(lambda nn: nn.Activation(lambda x: x * x * x), (3, 6), torch=False),
                   one(lambda nn: nn.Activation(lambda x: x * x * x, lambda x: 3 * x * x), (3, 6),
                       torch=False)],
    "Sequential": [one(lambda nn: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(),
                                                nn.Linear(5, 2)), (6, 4))],
}

for _name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid", "LeakyReLU",
              "ELU", "CELU", "GELU",
              "Softplus", "Hardtanh", "Hardshrink", "Softshrink", "Softsign", "Sigmoid",
              "LogSigmoid", "Tanh",
              "Tanhshrink"):
    CASES[_name] = [one(lambda nn, n=_name: getattr(nn, n)(), *SHAPES)]
for _name in ("Softmax", "LogSoftmax", "Softmin"):
    CASES[_name] = [one(lambda nn, n=_name: getattr(nn, n)(dim=1), (2, 3, 4)),
                    one(lambda nn, n=_name: getattr(nn, n)(-1), (5,))]
# torch multiplies with 1/6 rounded to float32, in float64 too
CASES["Hardsigmoid"] = [one(lambda nn: nn.Hardsigmoid(), *SHAPES, rtol=1e-7)]
CASES["LeakyReLU"] += [one(lambda nn: nn.LeakyReLU(0.2), (3, 4))]
CASES["ELU"] += [one(lambda nn: nn.ELU(0.5), (3, 4))]
CASES["CELU"] += [one(lambda nn: nn.CELU(0.5), (3, 4))]
CASES["GELU"] += [one(lambda nn: nn.GELU("tanh"), (3, 4))]
CASES["Softplus"] += [one(lambda nn: nn.Softplus(2, 1), (3, 4))]
CASES["Hardtanh"] += [one(lambda nn: nn.Hardtanh(-0.5, 0.7), (3, 4))]
CASES["Threshold"] = [one(lambda nn: nn.Threshold(0.1, -2.0), (3, 4))]

# parity is in test_nn_attention.py and test_nn_transformer.py
CASES["MultiheadAttention"] = [Case(lambda nn: nn.MultiheadAttention(8, 2),
                                    (((5, 3, 8),) * 3, ((5, 8),) * 3), torch=False)]
CASES["TransformerEncoderLayer"] = [one(lambda nn: nn.TransformerEncoderLayer(8, 2, 16),
                                        (5, 3, 8), torch=False, random=True)]
CASES["TransformerDecoderLayer"] = [Case(lambda nn: nn.TransformerDecoderLayer(8, 2, 16),
                                         (((5, 3, 8), (4, 3, 8)),), torch=False, random=True)]

CASES |= {
    # several results of one graph, which the table does not know: test_recurrent_parity.py
    "RNN": [one(lambda nn: nn.RNN(3, 4, 1, "relu"), (5, 2, 3), torch=False)],
    "GRU": [one(lambda nn: nn.GRU(3, 4), (5, 2, 3), torch=False)],
    "LSTM": [one(lambda nn: nn.LSTM(3, 4), (5, 2, 3), torch=False)],
    "RNNCell": [Case(lambda nn: nn.RNNCell(3, 4), (((2, 3),), ((2, 3), (2, 4)), ((3,), (4,)))),
                one(lambda nn: nn.RNNCell(3, 4, False, "relu"), (2, 3))],
    "LSTMCell": [one(lambda nn: nn.LSTMCell(3, 4), (2, 3), torch=False)],
    "GRUCell": [Case(lambda nn: nn.GRUCell(3, 4, bias=False), (((2, 3),), ((2, 3), (2, 4))))],
}


def pulled(nn: Any) -> Any:
    """A body that contracts, for Equilibrium."""
    class Pull(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.state, self.input = nn.Linear(3, 3), nn.Linear(4, 3)

        def forward(self, z: Any, x: Any) -> Any:
            return (0.4 * self.state(z) + self.input(x)).tanh()
    return Pull()


CASES["Equilibrium"] = [one(lambda nn: nn.Equilibrium(pulled(nn), 3, 60), (2, 4), torch=False)]

BOXES = np.array([[0, 1, 1, 4, 3], [1, 0, 2, 5, 5]])
SAMPLES = np.random.default_rng(8).uniform(size=(2, 3, 3))


def samples(nn: Any, axes: int) -> Any:
    """The numbers a pool with drawn steps would draw, for both libraries."""
    from importlib import import_module
    root = import_module(nn.__name__.split(".")[0])
    return root.tensor(SAMPLES[..., :axes].astype(np.float32))


CASES |= {
    "RReLU": [one(lambda nn: nn.RReLU(0.1, 0.3), *SHAPES, random=True)],
    "FeatureAlphaDropout": [one(lambda nn: nn.FeatureAlphaDropout(0.4), (2, 3, 4), random=True)],
    "LPPool1d": [one(lambda nn: nn.LPPool1d(2, 3), (2, 3, 7), (3, 7)),
                 one(lambda nn: nn.LPPool1d(4, 2, 1, True), (2, 3, 6))],
    "LPPool2d": [one(lambda nn: nn.LPPool2d(2, (2, 3), 2, True), (2, 3, 6, 5)),
                 one(lambda nn: nn.LPPool2d(1.0, 2), (2, 3, 6, 5))],
    "LPPool3d": [one(lambda nn: nn.LPPool3d(2, 2), (1, 2, 4, 3, 4))],
    "FractionalMaxPool2d": [
        one(lambda nn: nn.FractionalMaxPool2d(2, (4, 3), _random_samples=samples(nn, 2)),
            (2, 3, 9, 8)),
        one(lambda nn: nn.FractionalMaxPool2d(3, output_ratio=0.5, return_indices=True,
                                              _random_samples=samples(nn, 2)), (2, 3, 9, 8))],
    "FractionalMaxPool3d": [
        one(lambda nn: nn.FractionalMaxPool3d(2, (2, 3, 2), _random_samples=samples(nn, 3)),
            (2, 3, 5, 6, 4))],
    "Unfold": [one(lambda nn: nn.Unfold(3), (2, 3, 5, 6), (3, 5, 6)),
               one(lambda nn: nn.Unfold((2, 3), (1, 2), (1, 0), 2), (2, 3, 6, 7))],
    "Fold": [one(lambda nn: nn.Fold((5, 6), 3), (2, 27, 12), (27, 12)),
             one(lambda nn: nn.Fold((6, 7), (2, 3), (1, 2), (1, 0), 2), (2, 18, 8))],
    "ChannelShuffle": [one(lambda nn: nn.ChannelShuffle(2), (2, 6, 3, 2), (1, 4, 2, 2))],
    "ZeroPad3d": [one(lambda nn: nn.ZeroPad3d((1, 0, 2, 1, 0, 1)), (2, 3, 2, 3, 2))],
    "ConstantPad3d": [one(lambda nn: nn.ConstantPad3d(1, 0.5), (2, 3, 2, 3, 2))],
    "ReflectionPad3d": [one(lambda nn: nn.ReflectionPad3d(1), (2, 3, 2, 3, 2))],
    "ReplicationPad3d": [one(lambda nn: nn.ReplicationPad3d((1, 2, 0, 1, 1, 0)), (2, 3, 2, 3, 2))],
    "CircularPad3d": [one(lambda nn: nn.CircularPad3d(1), (2, 3, 2, 3, 2))],
    "UpsamplingNearest2d": [one(lambda nn: nn.UpsamplingNearest2d(scale_factor=2), (2, 3, 4, 3))],
    "UpsamplingBilinear2d": [one(lambda nn: nn.UpsamplingBilinear2d((5, 7)), (2, 3, 4, 3))],
    "EmbeddingBag": [
        one(lambda nn: nn.EmbeddingBag(7, 3), ints((4, 5), 7)),
        one(lambda nn: nn.EmbeddingBag(7, 3, mode="max"), ints((4, 5), 7)),
        Case(lambda nn: nn.EmbeddingBag(7, 3, mode="sum", padding_idx=2),
             ((ints((9,), 7), np.array([0, 2, 2, 6])),)),
        Case(lambda nn: nn.EmbeddingBag(7, 3, padding_idx=-1),
             ((np.array([6, 6, 1, 6, 2]), np.array([0, 2])),)),
        Case(lambda nn: nn.EmbeddingBag(7, 3, mode="max", include_last_offset=True),
             ((ints((9,), 7), np.array([0, 3, 3, 9])),))],
    # two results of one graph, which the table does not know: test_nn_more.py
    "AdaptiveLogSoftmaxWithLoss": [
        Case(lambda nn: nn.AdaptiveLogSoftmaxWithLoss(16, 12, (3, 7), 2.0),
             (((6, 16), np.array([0, 2, 3, 6, 7, 11])),), torch=False),
        Case(lambda nn: nn.AdaptiveLogSoftmaxWithLoss(8, 5, [4], head_bias=True),
             (((3, 8), np.array([4, 1, 4])),), torch=False)],
    "LinearCrossEntropyLoss": [
        Case(lambda nn: nn.LinearCrossEntropyLoss(4, 3, bias=True, label_smoothing=0.1),
             (((5, 4), ints((5,), 3)),)),
        Case(lambda nn: nn.LinearCrossEntropyLoss(4, 3, out_features=(2,)),
             (((5, 4), ints((5, 2), 3)),))],
    "SamePad": [one(lambda nn: nn.SamePad(3, 2), (2, 3, 6, 5), torch=False),
                one(lambda nn: nn.SamePad(4, 3, 2, 1.0), (2, 3, 7), torch=False)],
    "RoIPool": [Case(lambda nn: nn.RoIPool(2, 1.0),
                     (((2, 3, 6, 6), BOXES),), torch=False)],
    "RoIAlign": [Case(lambda nn: nn.RoIAlign(2, 0.5, 2, True), (((2, 3, 6, 6), BOXES),),
                      torch=False)],
}

FLAT = [(name, i, case) for name, cases in CASES.items() for i, case in enumerate(cases)]
STACKS = {"Transformer", "TransformerDecoder", "TransformerEncoder",      # of layers in the table
          "Stateful"}                                                    # and what wraps one
LAZY = {f"Lazy{kind}{n}d" for kind in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm")
        for n in (1, 2, 3)} | {"LazyLinear"}                              # test_nn_lazy.py
NO_LAYER = {"Module", "Parameter", "Buffer", "ModuleList", "ModuleDict", "ParameterList",
            "ParameterDict", "UninitializedParameter", "UninitializedBuffer",
            "RNNBase", "RNNCellBase"}
