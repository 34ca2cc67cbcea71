"""Networks as ONNX files: onnxruntime computes the same on several batch sizes, and we read them.

onnxruntime is the oracle of the export; the model itself is that of the import.
"""

from __future__ import annotations

import io

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import sheer
import sheer.onnx
from sheer import nn
from sheer.graph.errors import ArgumentError, DataError, MissingError, SheerError


class Tagger(nn.Module):
    """Tokens to scores of their tags: embedding, two directions, and the last state."""

    def __init__(self, cell):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.cell = cell(6, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(10, 3)

    def forward(self, tokens):
        states, last = self.cell(self.embed(tokens))
        last = last[0] if isinstance(last, tuple) else last
        return self.out(states), last


class Gpt(nn.Module):
    """A causal transformer as small as can be, with positions and a mask of its own."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(11, 8), nn.Embedding(7, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 11, bias=False)

    def forward(self, tokens):
        n = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(n)
        x = self.token(tokens) + self.place(sheer.arange(n))
        return self.head(self.body(x, mask=mask))


class Residual(nn.Module):
    """A block of a residual network, with an upsampling tail and a softmax."""

    def __init__(self):
        super().__init__()
        self.a, self.norm = nn.Conv2d(2, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4)
        self.skip = nn.Conv2d(2, 4, 1, stride=2)
        self.up = nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        h = nn.functional.relu(self.norm(self.a(x)) + self.skip(x))
        return self.up(h).softmax(1), h.mean((2, 3))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, groups=2), nn.GroupNorm(2, 8), nn.GELU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(8 * 3 * 3, 10), nn.LogSoftmax(1))


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, 8),
                                  nn.BatchNorm1d(8), nn.Softplus(), nn.Linear(8, 3),
                                  nn.Softmax(-1)), (5,), "float32"),
    "cnn": (cnn, (1, 16, 16), "float32"),
    "residual": (Residual, (2, 8, 8), "float32"),
    "rnn": (lambda: Tagger(nn.RNN), (7,), "int64"),
    "lstm": (lambda: Tagger(nn.LSTM), (7,), "int64"),
    "gru": (lambda: Tagger(nn.GRU), (7,), "int64"),
    "transformer": (Gpt, (7,), "int64"),
}


def made(name):
    """A model whose running statistics are not those of the beginning, and its inputs."""
    sheer.manual_seed(1)
    make, shape, kind = MODELS[name]
    model = make()
    rng = np.random.default_rng(0)

    def batch(size):
        if kind == "int64":
            return rng.integers(0, 11, (size, *shape))
        return rng.normal(size=(size, *shape)).astype(np.float32)

    with sheer.no_grad():
        model.train()
        model(sheer.tensor(batch(6)))
    return model, batch


def outputs(model, x):
    with sheer.no_grad():
        found = model.eval()(sheer.tensor(x))
    return [t.numpy() for t in (found if isinstance(found, tuple) else (found,))]


def written(model, *args, **options):
    stream = io.BytesIO()
    sheer.onnx.export(model, *args, stream, **options)
    return stream.getvalue()


def run(body, *xs):
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), xs, strict=True)})


@pytest.mark.parametrize("opset", [17, 21])
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_computes_the_same_for_every_batch_size(name, opset):
    model, batch = made(name)
    body = written(model, sheer.tensor(batch(2)), opset_version=opset)
    for size in (1, 2, 9):
        x = batch(size)
        for got, want in zip(run(body, x), outputs(model, x), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_what_we_export_comes_back_as_the_same_network(name):
    model, batch = made(name)
    again = sheer.onnx.load(io.BytesIO(written(model, sheer.tensor(batch(2)))))
    for size in (1, 4):
        x = batch(size)
        for got, want in zip(outputs(again, x), outputs(model, x), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    mine = {n for n, _ in model.named_parameters()}
    assert {n for n, _ in again.named_parameters()} == mine
    again.load_state_dict({n: v for n, v in model.state_dict().items()
                           if n in again.state_dict()})


@pytest.mark.parametrize("name", ["mlp", "residual", "lstm"])
def test_an_imported_network_is_trained_like_the_first(name):
    model, batch = made(name)
    again = sheer.onnx.load(io.BytesIO(written(model, sheer.tensor(batch(2)))))
    model.eval()
    x = sheer.tensor(batch(3))
    gradients = []
    for net in (model, again):
        found = net(x)
        loss = (found[0] if isinstance(found, tuple) else found).square().sum()
        loss.backward()
        gradients.append({n: p.grad for n, p in net.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for n, g in gradients[0].items():
        np.testing.assert_allclose(gradients[1][n].numpy(), g.numpy(), rtol=1e-3, atol=1e-5)


def test_the_file_says_what_its_axes_are():
    model, batch = made("mlp")
    proto = onnx.load_model_from_string(written(model, sheer.tensor(batch(2)), input_names=["x"],
                                                output_names=["scores"]))
    (x,), (scores,) = proto.graph.input, proto.graph.output
    axes = lambda v: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
    assert (x.name, axes(x), scores.name, axes(scores)) == ("x", ["batch", 5], "scores",
                                                            ["batch", 3])
    assert {t.name for t in proto.graph.initializer} == set(model.state_dict()) - {
        "4.num_batches_tracked"}
    assert not any(n.op_type == "Expand" for n in proto.graph.node)       # ONNX repeats by itself


def test_two_inputs_and_an_axis_that_is_not_the_first():
    class Ratio(nn.Module):
        def forward(self, x, y):
            return x.mean(1) / y.sum(0)

    xs = [np.random.default_rng(0).uniform(1, 2, s).astype(np.float32) for s in ((3, 4), (4, 3))]
    body = written(Ratio(), tuple(map(sheer.tensor, xs)), input_names=["x", "y"],
                   dynamic_axes={"x": {1: "n"}, "y": {0: "n"}})
    for n in (2, 9):
        x, y = np.ones((3, n), np.float32), np.full((n, 3), 2, np.float32)
        np.testing.assert_allclose(run(body, x, y)[0], np.full(3, 1 / (2 * n)), rtol=1e-6)


def test_a_fixed_size_and_a_module_in_training_mode():
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.9)).train()
    body = written(model, sheer.zeros(4, 3), dynamic_axes={})
    assert model.training
    assert model[1].training
    x = np.ones((4, 3), np.float32)
    np.testing.assert_allclose(run(body, x)[0], outputs(model, x)[0], rtol=1e-5)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        run(body, x[:2])


def test_files_of_pytorch_s_operators_are_read():
    """Gemm, Flatten, Softmax, BatchNormalization: what other exporters write."""
    rng = np.random.default_rng(0)
    w = {n: rng.uniform(0.5, 1.5, s).astype(np.float32) for n, s in {
        "conv.w": (4, 2, 3, 3), "conv.b": (4,), "bn.g": (4,), "bn.b": (4,), "bn.m": (4,),
        "bn.v": (4,), "fc.w": (3, 4), "fc.b": (3,)}.items()}
    nodes = [helper.make_node("Conv", ["x", "conv.w", "conv.b"], ["a"], pads=[1] * 4),
             helper.make_node("BatchNormalization", ["a", "bn.g", "bn.b", "bn.m", "bn.v"], ["b"]),
             helper.make_node("Relu", ["b"], ["c"]),
             helper.make_node("GlobalAveragePool", ["c"], ["d"]),
             helper.make_node("Flatten", ["d"], ["e"]),
             helper.make_node("Gemm", ["e", "fc.w", "fc.b"], ["f"], transB=1),
             helper.make_node("Softmax", ["f"], ["y"])]
    info = lambda n, s: helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
    graph = helper.make_graph(nodes, "g", [info("x", ["n", 2, 6, 6])], [info("y", ["n", 3])],
                              [onnx.numpy_helper.from_array(a, n) for n, a in w.items()])
    body = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                             ir_version=8).SerializeToString()
    x = rng.normal(size=(2, 2, 6, 6)).astype(np.float32)
    net = sheer.onnx.load(io.BytesIO(body))
    np.testing.assert_allclose(net(sheer.tensor(x)).detach().numpy(), run(body, x)[0], rtol=1e-4,
                               atol=1e-6)
    assert "fc.w" in dict(net.named_parameters())


# ---- what has no form ----------------------------------------------------------------------------

class Function(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *xs):
        return self.f(*xs)


def refused(error, function) -> str:
    with pytest.raises(error) as caught:
        function()
    lines = str(caught.value).splitlines()
    return "\n".join(line.split("  made at")[0].rstrip() for line in lines)


def test_operations_without_a_form_are_named():
    assert refused(MissingError, lambda: written(Function(sheer.erfinv), sheer.zeros(2))) == """\
onnx.export: there is no ONNX form of Erfinv as it is used here
  result: f32[1009]
  layer : Function
  need  : another way to say it
  more  : sheer explain E841""".replace("  layer : Function\n", "")
    assert "a result that is no matter of chance" in refused(
        MissingError, lambda: written(Function(lambda x: x + sheer.rand(3)), sheer.zeros(2, 3)))


def test_what_depends_on_the_batch_otherwise_is_named():
    square = Function(lambda x: x.reshape(1, -1).repeat(x.shape[0], 1))
    assert "sheer explain E842" not in str(written(square, sheer.zeros(2))[:9])   # a size: n
    said = refused(ArgumentError, lambda: written(
        Function(lambda x: (x.reshape(-1, 1) - x).reshape(-1)), sheer.zeros(2)))
    assert said.startswith("onnx.export: a shape depends on the batch size in a way")
    assert said.endswith("  try   : dynamic_axes={}\n  more  : sheer explain E842")
    unrolled = Function(lambda x: sum(x[i] for i in range(x.shape[0])) if x.shape[0] < 2000
                        else x.sum(0))
    with pytest.raises(ArgumentError, match="the operations of the network depends"):
        written(unrolled, sheer.zeros(2, 3))


@pytest.mark.parametrize(("options", "what"), [
    ({"opset_version": 16}, "operators of version 16"),
    ({"input_names": ["a", "b"]}, "every input needs a name of its own"),
    ({"dynamic_axes": {"input": {3: "batch"}}}, "dynamic_axes that there are not"),
    ({"dynamic_axes": {"input": {0: "n", 1: "m"}}}, "dynamic_axes that there are not")])
def test_arguments(options, what):
    with pytest.raises(ArgumentError, match=what):
        written(nn.Linear(3, 2), sheer.zeros(2, 3), **options)


def test_operators_without_a_meaning_are_all_named_at_once():
    nodes = [helper.make_node("Einsum", ["x"], ["a"], equation="i->i"),
             helper.make_node("Softplux", ["a"], ["y"], domain="other")]
    info = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [2])
    graph = helper.make_graph(nodes, "g", [info("x")], [info("y")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17),
                                                    helper.make_opsetid("other", 1)], ir_version=8)
    assert refused(MissingError, lambda: sheer.onnx.load(io.BytesIO(
        proto.SerializeToString()))).startswith(
        "onnx.load: no meaning is known for Einsum, other.Softplux\n")


def test_broken_files(tmp_path):
    body = written(nn.Linear(3, 2), sheer.zeros(2, 3))
    for bad in (b"", b"nonsense", body[:-50], body[50:]):
        with pytest.raises(SheerError) as caught:
            sheer.onnx.load(io.BytesIO(bad))
        assert caught.value.code == "E845"
    with pytest.raises(DataError) as caught:
        sheer.onnx.load(tmp_path / "none.onnx")
    assert str(caught.value) == f"""\
onnx.load: cannot read: No such file or directory
  file : {tmp_path / "none.onnx"}
  need : an ONNX file with its weights inside
  more : sheer explain E845"""


def test_weights_outside_of_the_file_are_not_fetched(tmp_path):
    proto = onnx.load_model_from_string(written(nn.Linear(3, 2), sheer.zeros(2, 3)))
    (tmp_path / "secret").write_bytes(bytes(100))
    weight = proto.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    with pytest.raises(DataError) as caught:
        sheer.onnx.load(io.BytesIO(proto.SerializeToString()))
    assert caught.value.code == "E845"
