"""What users get wrong with layers: whole texts of errors and warnings."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from nn_texts import cut, floats, says, text, warned

import sheer
from sheer import nn
from sheer.graph.errors import SheerError
from sheer.nn import functional as F


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Linear(5, 4)

    def forward(self, x):
        return self.conv1(x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Block())
        self.many = nn.ModuleList([nn.Linear(4, 4)])

    def forward(self, x):
        return self.net(x)


def test_a_wrong_width_names_the_layer_and_the_line_that_made_the_shape() -> None:
    net, x = Net(), floats(2, 3)
    with pytest.raises(SheerError) as caught:
        net(x)
    message = str(caught.value)
    assert cut(message) == (
        "linear: expected 5 features on the last axis, got 4\n"
        "  input : f32[2, 4]\n"
        "  weight: f32[4, 5]\n"
        "  layer : net.2.conv1\n"
        "  need  : input (*B, 5)\n"
        "  try   : in_features=4\n"
        "  more  : sheer explain E201")
    assert "made at test_nn_messages.py" in message
    assert " in net.1 " in message.split("\n")[1]


def test_the_same_text_compiled() -> None:
    net, x = Net(), floats(2, 3)
    assert text(lambda: sheer.jit(net)(x)) == text(lambda: net(x))


def test_a_layer_in_a_list_has_its_full_name() -> None:
    class Stack(Net):
        def forward(self, x):
            return self.many[0](x)
    says("layer : many.0", lambda: Stack()(floats(2, 3)))


def test_hints_of_a_wrong_width() -> None:
    says("try   : input.flatten(1)", lambda: nn.Linear(12, 2)(floats(2, 3, 4)))
    says("try   : input.mT", lambda: nn.Linear(3, 2)(floats(3, 4)))
    says("try   : input.unsqueeze(-1)", lambda: nn.Linear(1, 2)(floats(5)))


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_recurrent_layer_names_its_own_argument(layer) -> None:
    says("try   : input_size=7", lambda: layer(3, 4)(floats(2, 7)))


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_a_pool_without_a_window(pool) -> None:
    says("kernel_size (0, 0) is below 1", lambda: pool(0)(floats(1, 1, 4, 4)))


SCORES = sheer.zeros(2, 3)
LABELS = sheer.tensor([0, 1])
PLACE = sheer.tensor([[[[99]]]])


@pytest.mark.parametrize(("call", "first"), [
    (lambda: F.cross_entropy(SCORES, None), "cross_entropy: target is a NoneType"),
    (lambda: F.nll_loss(SCORES, "a"), "nll_loss: target is a str"),
    (lambda: F.mse_loss(SCORES, None), "mse_loss: target is a NoneType"),
    (lambda: F.mse_loss(None, SCORES), "mse_loss: input is a NoneType"),
    (lambda: F.local_response_norm(floats(1, 3, 2), 0), "local_response_norm: size = 0"),
    (lambda: F.max_unpool2d(floats(1, 1, 1, 1), PLACE, 2).numpy(),
     "max_unpool2d: index 99 at position (0, 0) is outside axis 1 of length 4"),
    (lambda: nn.ModuleList(nn.Linear(2, 2)), "ModuleList: a Linear in place of a list"),
    (lambda: nn.ModuleDict({1: nn.Linear(2, 2)}), "ModuleDict: the name 1 is no text"),
    (lambda: nn.Conv2d(3, 4, 0), "Conv2d: kernel_size=0"),
    (lambda: nn.Conv2d(3, 4, 3.0), "Conv2d: kernel_size=3.0"),
    (lambda: nn.Conv2d(3, 4, 3, stride=0), "Conv2d: stride=0"),
    (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"),
     'Conv2d: padding="same" with stride (2, 2)'),
    (lambda: F.cross_entropy(SCORES, LABELS, weight=[1, 1, 1]), "cross_entropy: weight is a list"),
    (lambda: nn.Linear(2, 2).load_state_dict("model.pt"),
     "Linear: a str in place of a state_dict"),
    (lambda: nn.Linear(2, 2).load_state_dict(None), "Linear: a NoneType in place of a state_dict"),
    (lambda: nn.BatchNorm1d(3, eps=-1), "BatchNorm1d: eps=-1"),
    (lambda: F.instance_norm(floats(1, 2, 3), eps=-1), "instance_norm: eps=-1"),
    (lambda: F.batch_norm(SCORES, None, None, training=True, eps=-1), "batch_norm: eps=-1"),
    (lambda: F.lp_pool2d(floats(1, 1, 4, 4), 0, 2), "lp_pool2d: norm_type = 0"),
    (lambda: F.multilabel_margin_loss(SCORES, sheer.tensor([[5, -1, 0], [0, -1, 0]])),
     "multilabel_margin_loss: there is a label that is no class"),
    *((lambda o=offsets: F.embedding_bag(LABELS, SCORES, sheer.tensor(o)),
       f"embedding_bag: offsets {offsets}") for offsets in ([0, 99], [1], [0, -1])),
    (lambda: nn.ReLU(SCORES), "ReLU: a tensor in place of a setting"),
    (lambda: nn.GELU(SCORES), "GELU: a tensor in place of a setting"),
    (lambda: nn.Softmax(SCORES), "Softmax: a tensor in place of a setting"),
    (lambda: nn.Dropout(SCORES), "Dropout: a tensor in place of a setting"),
])
def test_an_error_names_what_was_called(call, first) -> None:
    assert text(call).split("\n")[0] == first


def test_integers_into_a_layer() -> None:
    assert text(lambda: nn.Linear(2, 2)(sheer.tensor([[1, 2]]))) == (
        "linear: input is int64\n  input: i64[1, 2]\n  layer: \n".replace("  layer: \n", "")
        + "  need : float32 or float64\n  try  : input.float()\n  more : sheer explain E202")
    x = sheer.tensor(np.ones((1, 2)), dtype="float64")
    says("input is float64, the weight float32", lambda: nn.Linear(2, 2)(x))


def test_dropout_in_eval_mode_without_being_told() -> None:
    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5)
    assert warned(lambda: Net().eval()(floats(3))) == (
        "W206 dropout: drops although Net is in eval mode: training was not passed\n"
        "  need : training=self.training, or an nn.Dropout layer\n"
        "  try  : training=self.training\n"
        "  more : sheer explain W206")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Net()(floats(3))
        F.dropout(floats(3))


def test_settings_out_of_range() -> None:
    assert text(lambda: nn.Dropout(50)) == (
        "Dropout: p = 50 is no probability\n  need : 0 <= p <= 1\n"
        "  try  : p=0.5\n  more : sheer explain E204")
    says("reduction='avg' is unknown", lambda: nn.MSELoss(reduction="avg"))
    says("need : 'replicate' or", lambda: F.pad(floats(2, 3), (1, 1), "replicat"))
    for call in (lambda: nn.Linear(0, 3), lambda: nn.Conv2d(3, 4, 3,
                                                            groups=2), lambda: nn.GroupNorm(3, 4),
                 lambda: nn.Conv2d(3, 4, 3,
                                   padding="full"), lambda: nn.Embedding(3, 4, 3),
                 lambda: F.gelu(floats(2), "erf"),
                 lambda: F.interpolate(floats(1, 1,
                                              2)),
                 lambda: F.interpolate(floats(1, 1, 2), 2, mode="bilinear"),
                 lambda: nn.init.calculate_gain("rleu"), lambda: nn.Snake(0.0),
                 lambda: nn.ZeroPad2d((1, 2)),
                 lambda: F.cross_entropy(floats(2, 3), sheer.tensor([0, 1]), floats(2))):
        with pytest.raises(SheerError) as caught:
            call()
        assert caught.value.code == "E204"


def test_one_value_per_channel_in_training() -> None:
    assert text(lambda: nn.BatchNorm1d(3)(floats(1, 3))) == (
        "BatchNorm1d: one value per channel: minus its mean it is 0, whatever it was\n"
        "  input: f32[1, 3]\n"
        "  need : a larger batch or image, or eval mode\n"
        "  try  : model.eval()\n"
        "  try  : DataLoader(..., drop_last=True) against a last batch of one\n"
        "  more : sheer explain E220")
    nn.BatchNorm1d(3).eval()(floats(1, 3)).numpy()
    says("need : (N, C, H, W)", lambda: nn.BatchNorm2d(3)(floats(2, 3)))
    says("input has 4 channels, running_mean is for 3", lambda: nn.BatchNorm1d(3)(floats(2, 4)))
    says("need : a larger image\n  more", lambda: nn.InstanceNorm1d(3)(floats(2, 3, 1)))
    says("try  : model.eval()\n",
         lambda: nn.InstanceNorm1d(3, track_running_stats=True)(floats(2, 3, 1)))


def test_an_index_outside_the_table() -> None:
    assert text(lambda: nn.Embedding(5, 2)(sheer.tensor([[0, 1], [7, 2]]))) == (
        "embedding: index 7 at position (1, 0) is outside a table of 5 rows\n"
        "  input : i64[2, 2]\n"
        "  weight: f32[5, 2]\n"
        "  need  : 0 <= index < 5\n"
        "  try   : num_embeddings=8\n"
        "  more  : sheer explain E212")
    says("input.long()", lambda: nn.Embedding(5, 2)(floats(2)))


def test_modules_set_up_wrongly() -> None:
    class Forgot(nn.Module):
        def __init__(self) -> None:
            self.a = nn.Linear(2, 2)
    assert text(Forgot) == (
        "Forgot: the module was not set up before it was used\n"
        "  need : super().__init__() as the first line of __init__\n"
        "  try  : def __init__(self, ...): super().__init__()\n"
        "  more : sheer explain E205")

    class Empty(nn.Module):
        def __init__(self) -> None:
            pass
    for call in (lambda: Empty()(1), lambda: list(Empty().parameters()), lambda: Empty().training,
                 lambda: Empty().x):
        says("E205", call)
    assert text(lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU)) == (
        "Sequential: ReLU is a class, not a layer\n"
        "  value: <class 'sheer.nn.activation.ReLU'>\n"
        "  need : an instance of Module\n"
        "  try  : ReLU(...)\n"
        "  more : sheer explain E206")

    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU
    says("attribute act: ReLU is a class", Wrong)
    says("E206", lambda: nn.ModuleList([1]))
    says("E208", lambda: nn.Module()(1))
    says("E209", lambda: nn.Module().add_module("a.b", nn.ReLU()))
    with pytest.raises(AttributeError, match="did you mean weight"):
        _ = nn.Linear(1, 1).weigth
    layer = nn.Linear(2, 2)
    assert text(lambda: setattr(layer, "weight", floats(2, 2))) == (
        "Linear: weight is one of the parameters; a Tensor cannot take its place\n"
        "  need : one of its kind, or None\n"
        "  try  : self.weight = nn.Parameter(...)\n"
        "  try  : with sheer.no_grad(): self.weight.copy_(...)\n"
        "  more : sheer explain E206")
    assert "copy_" not in text(lambda: setattr(layer, "weight", floats(3, 2)))


def test_a_leaf_cannot_be_overwritten() -> None:
    x = sheer.tensor([1.0], requires_grad=True)
    says("E613", lambda: F.relu(x, inplace=True))
    y = floats(3)
    assert nn.ReLU(inplace=True)(y) is y
    assert (y.numpy() >= 0).all()
