"""What every layer raises, by code: calls that go wrong, which the docstrings are compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sheer
from sheer import nn
from sheer import tensor as t

Call = Callable[[Any], object]     # what the user does with the class
ones = sheer.ones


def ints(*shape: int) -> sheer.Tensor:
    return ones(*shape, dtype="int64")


def axes(layer: type) -> int:
    """The spatial axes a class is for, by its name: 2 of a Conv2d."""
    return int(layer.__name__[-2])


def image(layer: type, channels: int = 2, size: int = 6) -> sheer.Tensor:
    return ones(1, channels, *[size] * axes(layer))


def whole(layer: type) -> sheer.Tensor:
    return image(layer).long()


def taken(layer: type) -> tuple[sheer.Tensor, sheer.Tensor]:
    """What a pool with as many axes finds, and where."""
    pool = getattr(nn, f"MaxPool{axes(layer)}d")
    found: tuple[sheer.Tensor, sheer.Tensor] = pool(2, return_indices=True)(image(layer))
    return found


def forgetful(layer: type) -> object:
    class Net(layer):
        def __init__(self) -> None:
            self.size = nn.Linear(1, 1)
    return Net()


def holding_a_class(layer: type) -> object:
    class Net(layer):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU
    return Net()(ones(2))


def sequence(layer: nn.Module, x: sheer.Tensor, mask: sheer.Tensor | None = None) -> object:
    """A call of a transformer layer; a decoder gets a memory besides."""
    memory = [ones(3, 1, 4)] * isinstance(layer, nn.TransformerDecoderLayer)
    return layer(x, *memory, mask)


TABLE: dict[str, dict[str, Call]] = {}


def raised(names: str, **calls: Call) -> None:
    """More calls for these layers; `{}d` stands for 1d, 2d and 3d."""
    for name in names.split():
        for each in [name.format(n) for n in "123"] if "{}" in name else [name]:
            TABLE.setdefault(each, {}).update(calls)


# ---- activations and dropout
raised("CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSoftmax Mish ReLU "
       "ReLU6 SELU SiLU Softmax Softmin Softplus Softshrink", E204=lambda c: c(ones(3)))
raised("GELU", E204=lambda c: c("fast")(ones(3)))
raised("Hardtanh", E204=lambda c: c(2.0, 1.0)(ones(3)))
raised("Threshold", E204=lambda c: c(ones(3), 1.0))
raised("RReLU", E204=lambda c: c(0.5, 0.1)(ones(3)), E202=lambda c: c()(ints(3)))
raised("PReLU", E203=lambda c: c(3)(ones(2, 4)), E204=lambda c: c(0))
raised("Maxout", E203=lambda c: c(2)(ones(2, 3)), E204=lambda c: c(0),
       E110=lambda c: c(2, 4)(ones(2, 4)))
raised("Snake", E204=lambda c: c(0.0))
raised("Softmax LogSoftmax Softmin", E110=lambda c: c(5)(ones(2, 3)),
       E202=lambda c: c(1)(ints(2, 3)), W204=lambda c: c()(ones(2, 3)),
       W205=lambda c: c(1)(nn.Linear(3, 1)(ones(2, 3))))
raised("Softmax2d", E203=lambda c: c()(ones(2, 3)), E202=lambda c: c()(ints(2, 3, 4)))
raised("GLU", E203=lambda c: c()(ones(2, 3)), E110=lambda c: c(5)(ones(2, 4)))
raised("Dropout Dropout{}d AlphaDropout FeatureAlphaDropout", E204=lambda c: c(1.5),
       E202=lambda c: c()(ints(3, 3, 3)))
raised("Dropout{}d", E203=lambda c: c()(ones(3)), E202=lambda c: c()(whole(c)))

# ---- sums and look-ups
raised("Linear", E201=lambda c: c(3, 2)(ones(4)), E202=lambda c: c(3, 2)(ints(3)),
       E204=lambda c: c(3, 0))
raised("Bilinear", E201=lambda c: c(3, 2, 1)(ones(2), ones(2)),
       E202=lambda c: c(3, 2, 1)(ints(3), ints(2)), E204=lambda c: c(3, 2, 0),
       E102=lambda c: c(3, 2, 1)(ones(4, 3), ones(5, 2)))
raised("Embedding", E212=lambda c: c(3, 2)(ints(4) * 7), E202=lambda c: c(3, 2)(ones(4)),
       E204=lambda c: c(3, 2, padding_idx=9))
raised("EmbeddingBag", E212=lambda c: c(3, 2)(ints(1, 4) * 7), E202=lambda c: c(3, 2)(ones(1, 4)),
       E203=lambda c: c(3, 2)(ints(4)), E204=lambda c: c(3, 2)(ints(2), t([0, 9])),
       E211=lambda c: c(3, 2, sparse=True))

# ---- convolutions
raised("Conv{}d ConvTranspose{}d", E203=lambda c: c(2, 3, 3)(ones(2)),
       E202=lambda c: c(2, 3, 3)(whole(c)), E121=lambda c: c(2, 3, 3)(image(c, 5)),
       E123=lambda c: c(2, 3, (3,) * 4), E204=lambda c: c(2, 3, 3, groups=2))
raised("Conv{}d", E122=lambda c: c(2, 3, 9)(image(c)),
       E124=lambda c: c(2, 3, 3, padding="same", stride=2))
raised("ConvTranspose{}d", E122=lambda c: c(2, 3, 3, padding=9)(image(c)),
       E124=lambda c: c(2, 3, 3, output_padding=3)(image(c)),
       E204=lambda c: c(2, 3, 3)(image(c), output_size=(99,) * axes(c)))

# ---- normalisation
raised("BatchNorm{}d InstanceNorm{}d", E203=lambda c: c(3, affine=True)(image(c)),
       E220=lambda c: c(2)(image(c, 2, 1)), E202=lambda c: c(2)(whole(c)),
       E204=lambda c: c(2, eps=-1.0))
raised("LayerNorm RMSNorm", E201=lambda c: c(3)(ones(4)), E202=lambda c: c(3)(ints(3)))
raised("GroupNorm", E204=lambda c: c(2, 3), E203=lambda c: c(2, 4)(ones(1, 6, 2)),
       E202=lambda c: c(2, 4)(ints(1, 4, 2)))
raised("LocalResponseNorm", E204=lambda c: c(0)(ones(1, 4, 2)), E110=lambda c: c(2)(ones(2)),
       E202=lambda c: c(2)(ints(1, 4, 2)))

# ---- pools
raised("MaxPool{}d AvgPool{}d", E203=lambda c: c(2)(ones(2)), E122=lambda c: c(9)(image(c)),
       E123=lambda c: c(0)(image(c)), E124=lambda c: c(2, padding=2)(image(c)))
raised("LPPool{}d", E203=lambda c: c(2, 2)(ones(2)), E122=lambda c: c(2, 9)(image(c)),
       E123=lambda c: c(2, 0)(image(c)), E204=lambda c: c(0, 2)(image(c)))
raised("AdaptiveAvgPool{}d AdaptiveMaxPool{}d", E203=lambda c: c(2)(ones(2)),
       E124=lambda c: c(0)(image(c)), E204=lambda c: c((2,) * 4)(image(c)))
raised("MaxUnpool{}d", E203=lambda c: c(2)(ones(2), ints(2)), E123=lambda c: c((2,) * 4),
       E130=lambda c: c(2)(taken(c)[0], taken(c)[1] + 500),
       E132=lambda c: c(2)(taken(c)[0], ints(1)),
       E134=lambda c: c(2)(taken(c)[0], taken(c)[1].float()))
raised("FractionalMaxPool2d FractionalMaxPool3d", E203=lambda c: c(2, 3)(ones(2)),
       E123=lambda c: c((2,) * 4, 3), E204=lambda c: c(2, 9)(image(c)))
raised("RoIPool", E203=lambda c: c(2, 1.0)(ones(1, 2, 6, 6), ones(1, 4)),
       E123=lambda c: c((2,) * 3, 1.0)(ones(1, 2, 6, 6), ones(1, 5)),
       E202=lambda c: c(2, 1.0)(ints(1, 2, 6, 6), ones(1, 5)),
       E130=lambda c: c(2, 1.0)(ones(1, 2, 6, 6), ones(1, 5) * 7))
raised("RoIAlign", E203=lambda c: c(2, 1.0, 2)(ones(1, 2, 6, 6), ones(1, 4)),
       E123=lambda c: c((2,) * 3, 1.0, 2)(ones(1, 2, 6, 6), ones(1, 5)),
       E202=lambda c: c(2, 1.0, 2)(ints(1, 2, 6, 6), ones(1, 5)),
       E130=lambda c: c(2, 1.0, 2)(ones(1, 2, 6, 6), ones(1, 5) * 7),
       E204=lambda c: sheer.jit(c(2, 1.0, -1))(ones(1, 2, 6, 6), ones(1, 5)))

# ---- images of another size or order
raised("Unfold", E203=lambda c: c(9)(ones(1, 2, 6, 6)), E123=lambda c: c(0)(ones(1, 2, 6, 6)))
raised("Fold", E203=lambda c: c(6, 2)(ones(1, 8, 9)), E123=lambda c: c(6, 0)(ones(1, 8, 9)))
raised("ChannelShuffle", E203=lambda c: c(3)(ones(1, 2, 6)))
raised("SamePad", E203=lambda c: c(3)(ones(2, 2)), E123=lambda c: c((3,) * 3)(ones(1, 2, 6, 6)))
raised("Upsample UpsamplingNearest2d UpsamplingBilinear2d", E204=lambda c: c()(ones(1, 2, 6, 6)))
raised("Upsample", E202=lambda c: c(3, mode="bilinear")(ints(1, 2, 6, 6)))
raised("UpsamplingBilinear2d", E202=lambda c: c(3)(ints(1, 2, 6, 6)))
raised("PixelShuffle PixelUnshuffle", E203=lambda c: c(4)(ones(1, 2, 6, 6)),
       E204=lambda c: c(0)(ones(1, 2, 6, 6)))
raised("ZeroPad{}d ReflectionPad{}d ReplicationPad{}d CircularPad{}d", E204=lambda c: c((1,) * 5))
raised("ConstantPad{}d", E204=lambda c: c((1,) * 5, 0.0), E114=lambda c: c(-4, 0.0)(image(c)))
raised("ZeroPad{}d", E114=lambda c: c(-4)(image(c)))
raised("ReflectionPad{}d CircularPad{}d", E204=lambda c: c(7)(image(c)),
       E115=lambda c: c(-4)(image(c)))

# ---- containers and what they hold
raised("Module", E205=forgetful, E206=holding_a_class, E208=lambda c: c()(ones(2)))
raised("Sequential", E206=lambda c: c(nn.ReLU), E209=lambda c: c({"a.b": nn.ReLU()}))
raised("ModuleList", E206=lambda c: c([sheer.relu]), E208=lambda c: c()(ones(2)))
raised("ModuleDict", E206=lambda c: c({"a": sheer.relu}), E208=lambda c: c()(ones(2)),
       E209=lambda c: c({"a.b": nn.ReLU()}))
raised("ParameterList", E604=lambda c: c([ints(2)]), E208=lambda c: c()(ones(2)))
raised("ParameterDict", E604=lambda c: c({"a": ints(2)}), E208=lambda c: c()(ones(2)),
       E209=lambda c: c({"a.b": ones(2)}))
raised("Flatten", E110=lambda c: c(3)(ones(2, 3)))
raised("Unflatten", E111=lambda c: c(1, (2, 2))(ones(2, 3)), E204=lambda c: c("a", (2, 2)),
       E203=lambda c: c(4, (2, 2))(ones(2, 3)))
raised("Parameter", E604=lambda c: c(ints(2)))
raised("Parameter Buffer", E104=lambda c: c("x"))
raised("UninitializedParameter UninitializedBuffer", E250=lambda c: c().shape)
raised("Equilibrium", E204=lambda c: c(nn.Identity(), 0))
raised("Stateful", E870=lambda c: c(nn.GRU(3, 4, bidirectional=True), 2),
       E871=lambda c: c(nn.GRU(3, 4), 2)(ones(5, 3, 3)))

# ---- lazy layers
raised("LazyLinear", E250=lambda c: c(3).weight.shape, E203=lambda c: c(3)(ones(())),
       E204=lambda c: c(0))
raised("LazyConv{}d LazyConvTranspose{}d", E250=lambda c: c(3, 2).weight.shape,
       E203=lambda c: c(3, 2)(ones(2)), E204=lambda c: c(0, 2))
raised("LazyBatchNorm{}d LazyInstanceNorm{}d", E250=lambda c: c(affine=True).weight.shape,
       E203=lambda c: c()(ones(2)), E204=lambda c: c(eps=-1.0))

# ---- attention
raised("MultiheadAttention", E204=lambda c: c(4, 3),
       E201=lambda c: c(4, 2)(ones(3, 1, 5), ones(3, 1, 4), ones(3, 1, 4)),
       E202=lambda c: c(4, 2)(*[ints(3, 1, 4)] * 3), E203=lambda c: c(4, 2)(*[ones(4)] * 3),
       E213=lambda c: c(4, 2)(*[ones(3, 1, 4)] * 3, attn_mask=ones(5, 5)))
raised("TransformerEncoderLayer TransformerDecoderLayer", E204=lambda c: c(4, 3),
       E201=lambda c: sequence(c(4, 2, 8), ones(3, 1, 5)),
       E202=lambda c: sequence(c(4, 2, 8), ints(3, 1, 4)),
       E203=lambda c: sequence(c(4, 2, 8), ones(4)),
       E213=lambda c: sequence(c(4, 2, 8), ones(3, 1, 4), ones(7, 7)))
raised("TransformerEncoder TransformerDecoder", E204=lambda c: c(nn.Identity(), 0))
raised("Transformer", E204=lambda c: c(4, 3), E201=lambda c: c(4, 2)(ones(3, 1, 5), ones(2, 1, 4)),
       E203=lambda c: c(4, 2)(ones(3, 1, 4), ones(2, 2, 4)),
       E202=lambda c: c(4, 2, 1, 1, 8)(ints(3, 1, 4), ints(2, 1, 4)),
       E213=lambda c: c(4, 2, 1, 1, 8)(ones(3, 1, 4), ones(2, 1, 4), tgt_mask=ones(7, 7)))

# ---- recurrent layers
raised("RNN LSTM GRU", E201=lambda c: c(3, 4)(ones(5, 2, 4)), E202=lambda c: c(3, 4)(ints(5, 2, 3)),
       E203=lambda c: c(3, 4)(ones(3)), E204=lambda c: c(0, 4),
       E240=lambda c: c(3, 4)(ones(5, 2, 3), (ones(1, 7, 4),) * 2 if c is nn.LSTM
                              else ones(1, 7, 4)),
       E241=lambda c: c(3, 4)(ones(0, 2, 3)), W208=lambda c: c(3, 4, dropout=0.5))
raised("RNNBase", E201=lambda c: c("GRU", 3, 4)(ones(5, 2, 4)),
       E202=lambda c: c("GRU", 3, 4)(ints(5, 2, 3)), E203=lambda c: c("GRU", 3, 4)(ones(3)),
       E204=lambda c: c("MINE", 3, 4), E240=lambda c: c("GRU", 3, 4)(ones(5, 2, 3), ones(1, 7, 4)),
       E241=lambda c: c("GRU", 3, 4)(ones(0, 2, 3)), W208=lambda c: c("GRU", 3, 4, dropout=0.5))
raised("RNNCell LSTMCell GRUCell", E201=lambda c: c(3, 4)(ones(2, 4)),
       E202=lambda c: c(3, 4)(ints(2, 3)), E203=lambda c: c(3, 4)(ones(5, 2, 3)),
       E204=lambda c: c(0, 4),
       E240=lambda c: c(3, 4)(ones(2, 3), (ones(7, 4),) * 2 if c is nn.LSTMCell else ones(7, 4)))
TABLE["RNNCellBase"] = {code: lambda c, call=call: call(nn.GRUCell)      # what its cells raise
                        for code, call in TABLE["GRUCell"].items()}
raised("RNNCellBase", E208=lambda c: c(3, 4, True, 1)(ones(2, 3)))

# ---- losses
PAIRS = ("MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss KLDivLoss PoissonNLLLoss "
         "HingeLoss HingeEmbeddingLoss SoftMarginLoss MultiLabelSoftMarginLoss")
LABELS = "CrossEntropyLoss NLLLoss FocalLoss MultiMarginLoss"
FURTHER = ("MarginRankingLoss CosineEmbeddingLoss TripletMarginLoss TripletMarginWithDistanceLoss "
           "MultiLabelMarginLoss GaussianNLLLoss CTCLoss")
raised(f"{PAIRS} {LABELS} {FURTHER}", E204=lambda c: c(reduction="median"))
raised(PAIRS, E223=lambda c: c()(ones(2, 3), ones(2, 4)), E202=lambda c: c()(*[ints(2, 3)] * 2))
raised(f"{LABELS} DiceLoss", E221=lambda c: c()(ones(2, 3), ints(2) * 7),
       E222=lambda c: c()(ones(2, 3), ones(2)),
       E223=lambda c: c()(ones(2, 3), ints(3)), E202=lambda c: c()(ints(2, 3), ints(2)))
raised(LABELS, E225=lambda c: c()(ones(2, 1), ints(2)))
raised("CrossEntropyLoss NLLLoss FocalLoss", E203=lambda c: c()(ones(()), ints(())))
raised("SmoothL1Loss", E204=lambda c: c(beta=-1.0)(ones(2), ones(2)))
raised("HuberLoss", E204=lambda c: c(delta=0.0)(ones(2), ones(2)))
raised("FocalLoss", E204=lambda c: c(-1.0)(ones(2, 3), ints(2)))
raised("MultiMarginLoss", E204=lambda c: c(3)(ones(2, 3), ints(2)))
raised("BCELoss BCEWithLogitsLoss", E227=lambda c: c()(ones(2), t([0.5, 7.0])))
raised("HingeLoss HingeEmbeddingLoss SoftMarginLoss", E227=lambda c: c()(ones(2), t([1.0, 7.0])))
raised("MultiLabelMarginLoss", E223=lambda c: c()(ones(2, 3), ints(2, 4)))
raised("MarginRankingLoss", E223=lambda c: c()(ones(2), ones(2), ones(5)),
       E227=lambda c: c()(ones(2), ones(2), t([1.0, 7.0])))
raised("CosineEmbeddingLoss", E223=lambda c: c()(ones(2, 3), ones(2, 3), ones(5)),
       E227=lambda c: c()(ones(2, 3), ones(2, 3), t([1.0, 7.0])))
raised("TripletMarginLoss", E223=lambda c: c()(ones(2, 3), ones(2, 4), ones(2, 3)))
raised("GaussianNLLLoss", E223=lambda c: c()(ones(2), ones(3), ones(2)),
       E202=lambda c: c()(ints(2), ints(2), ones(2)),
       E227=lambda c: c()(ones(2), ones(2), t([1.0, -1.0])))
raised("CrossEntropyLoss", W202=lambda c: c()(nn.Softmax(1)(ones(2, 3)), ints(2)),
       W207=lambda c: c()(nn.LogSoftmax(1)(ones(2, 3)), ints(2)))
raised("NLLLoss", W203=lambda c: c()(nn.Softmax(1)(ones(2, 3)), ints(2)))
raised("DiceLoss", W203=lambda c: c()(nn.Linear(3, 3)(ones(2, 3)), ints(2)))
raised("BCELoss", W203=lambda c: c()(nn.Linear(3, 3)(ones(2, 3)), ones(2, 3)))
raised("BCEWithLogitsLoss", W202=lambda c: c()(ones(2, 3).sigmoid(), ones(2, 3)))
raised("KLDivLoss", W203=lambda c: c()(nn.Softmax(1)(ones(2, 3)), ones(2, 3)))
LOGS, TWO = ones(5, 2, 3).log_softmax(2), t([2, 2])
raised("CTCLoss", E203=lambda c: c(blank=7)(LOGS, ints(2, 2), TWO, TWO),
       E202=lambda c: c()(ints(5, 2, 3), ints(2, 2), TWO, TWO),
       E221=lambda c: c()(LOGS, ints(2, 2) * 9, TWO, TWO),
       E204=lambda c: c()(LOGS, ints(2, 2), t([9, 2]), TWO))
raised("CosineSimilarity PairwiseDistance", E102=lambda c: c()(ones(2, 3), ones(2, 4)))
raised("CosineSimilarity", E110=lambda c: c()(ones(3), ones(3)),
       E202=lambda c: c()(ints(2, 3), ints(2, 3)))
raised("AdaptiveLogSoftmaxWithLoss", E204=lambda c: c(8, 10, [5, 2]),
       E201=lambda c: c(8, 10, [5])(ones(3, 9), ints(3)),
       E202=lambda c: c(8, 10, [5])(ints(3, 8), ints(3)),
       E203=lambda c: c(8, 10, [5])(ones(3, 8), ints(4)),
       E221=lambda c: c(8, 10, [5])(ones(3, 8), t([0, 1, 99])),
       E222=lambda c: c(8, 10, [5])(ones(3, 8), ones(3)))
raised("LinearCrossEntropyLoss", E201=lambda c: c(4, 3)(ones(2, 5), ints(2)),
       E202=lambda c: c(4, 3)(ints(2, 4), ints(2)), E204=lambda c: c(4, 3, label_smoothing=3.0)(
           ones(2, 4), ints(2)), E211=lambda c: c(4, 3, options={}),
       E221=lambda c: c(4, 3)(ones(2, 4), ints(2) * 9),
       E222=lambda c: c(4, 3)(ones(2, 4), ones(2)), E223=lambda c: c(4, 3)(ones(2, 4), ints(3)),
       E225=lambda c: c(4, 1)(ones(2, 4), ints(2)))
