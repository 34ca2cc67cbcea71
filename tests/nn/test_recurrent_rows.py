"""What recurrent layers do, beyond equality with torch: gates, streams, truncation, vanishing."""

from __future__ import annotations

import numpy as np
import pytest
from nn_helpers import array
from nn_texts import floats, text

import sheer
from sheer import nn, optim
from sheer.train import fit

KINDS = (nn.RNN, nn.LSTM, nn.GRU)


# ---- the cell of an LSTM -------------------------------------------------------------------------
def cell_alone(steps: int, **options) -> tuple[nn.LSTM, sheer.Tensor, sheer.Tensor]:
    """An LSTM whose gates see the input only, so that c depends on c before by one path alone."""
    layer = nn.LSTM(3, 4, **options).double()
    layer.weight_hh_l0.data.zero_()
    x = sheer.tensor(array((steps, 1, 3), "float64"), dtype="float64")
    c = sheer.tensor(array((1, 1, 4), "float64", 5), dtype="float64", requires_grad=True)
    return layer, x, c


@pytest.mark.system("LSTM gates, cell state, no-forget-gate variant")
def test_the_gradient_along_the_cell_is_the_product_of_the_forget_gates(figure):
    layer, x, c = cell_alone(12)
    _, (_, last) = layer(x, (sheer.zeros(1, 1, 4, dtype="float64"), c))
    last.sum().backward()
    gates = (x[:, 0] @ layer.weight_ih_l0.mT + layer.bias_ih_l0 + layer.bias_hh_l0).detach()
    forget = 1 / (1 + np.exp(-gates.numpy()[:, 4:8]))                          # (T, H)
    np.testing.assert_allclose(c.grad.numpy()[0, 0], forget.prod(0), rtol=1e-12)
    figure(f"12 steps: gradient {c.grad.numpy().max():.2g} at most, as the product of the gates")


@pytest.mark.system("LSTM gates, cell state, no-forget-gate variant")
def test_without_a_forget_gate_the_gradient_along_the_cell_is_one():
    layer, x, c = cell_alone(50, forget_gate=False)
    _, (_, last) = layer(x, (sheer.zeros(1, 1, 4, dtype="float64"), c))
    last.sum().backward()
    np.testing.assert_array_equal(c.grad.numpy(), np.ones((1, 1, 4)))


def by_hand(layer: nn.LSTM, x: np.ndarray) -> np.ndarray:
    """The last output of an LSTM without a forget gate, step by step."""
    w_ih, w_hh, b_ih, b_hh = (w.detach().numpy() for w in layer.all_weights[0])
    h, c = np.zeros((2, x.shape[1], layer.hidden_size))
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    for step in x:
        i, g, o = np.split(step @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 3, axis=-1)
        c = c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h


def test_the_variant_without_a_forget_gate_is_that_of_1997():
    layer = nn.LSTM(3, 4, forget_gate=False).double()
    assert repr(layer) == "LSTM(3, 4, forget_gate=False)"
    assert tuple(layer.weight_hh_l0.shape) == (12, 4)
    x = array((6, 2, 3), "float64")
    out, (h, _) = layer(sheer.tensor(x, dtype="float64"))
    np.testing.assert_allclose(h.detach().numpy()[0], by_hand(layer, x), rtol=1e-12)
    np.testing.assert_array_equal(out.detach().numpy()[-1], h.detach().numpy()[0])


def test_the_variant_also_projects_stacks_and_packs():
    layer = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2, forget_gate=False)
    packed = nn.utils.rnn.pack_padded_sequence(floats(5, 2, 3), [5, 3])
    out, (h, c) = layer(packed)
    assert nn.utils.rnn.pad_packed_sequence(out)[0].shape == (5, 2, 4)
    assert (h.shape, c.shape) == ((4, 2, 2), (4, 2, 4))


@pytest.mark.system("GRU")
def test_a_gru_has_three_quarters_of_the_parameters_of_an_lstm(figure):
    count = lambda layer: sum(p.numel() for p in layer.parameters())
    gru, lstm = count(nn.GRU(50, 30, 2)), count(nn.LSTM(50, 30, 2))
    assert 4 * gru == 3 * lstm
    figure(f"{gru} of {lstm} parameters")


# ---- looking ahead -------------------------------------------------------------------------------
@pytest.mark.system("Bidirectional LSTM")
@pytest.mark.parametrize("two", [False, True])
def test_only_both_directions_see_the_future(two: bool):
    layer = nn.LSTM(3, 4, bidirectional=two)
    x = sheer.tensor(array((6, 1, 3), "float32"), requires_grad=True)
    layer(x)[0][2].sum().backward()
    future = x.grad.numpy()[3:]
    assert np.any(x.grad.numpy()[:3])
    assert bool(np.all(future != 0)) == two
    assert bool(np.any(future)) == two


@pytest.mark.system("Bidirectional LSTM")
def test_both_directions_are_refused_for_streams():
    assert text(lambda: nn.Stateful(nn.LSTM(3, 4, bidirectional=True), 2)) == (
        "Stateful: a bidirectional layer cannot read a stream\n"
        "  layer: LSTM(3, 4, bidirectional=True)\n"
        "  need : bidirectional=False: the other direction begins at the end, which a stream does "
        "not have\n"
        "  more : sheer explain E870")


# ---- streams -------------------------------------------------------------------------------------
@pytest.mark.system("Stateful / truncated training on long streams")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compiled", [False, True])
def test_chunks_with_the_state_carried_are_one_long_pass(kind, compiled, figure):
    layer = kind(3, 4, 2)
    stream = nn.Stateful(layer, batch_size=2)
    run = sheer.jit(stream) if compiled else stream
    x = sheer.tensor(array((12, 2, 3), "float32"))
    for _ in range(2):                                           # and once more after a reset
        parts = [run(x[t:t + 3]).detach().numpy() for t in range(0, 12, 3)]
        whole = layer(x)[0].detach().numpy()
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-7)
        stream.reset()
    figure("4 chunks of 3 steps as 12 steps")


def test_a_stream_counts_its_rows_where_the_layer_does():
    stream = nn.Stateful(nn.LSTM(3, 4, batch_first=True), batch_size=2)
    assert stream(floats(2, 5, 3)).shape == (2, 5, 4)
    assert text(lambda: stream(floats(5, 3, 3))) == (
        "Stateful: a chunk of another number of streams\n"
        "  input: f32[5, 3, 3]\n"
        "  need : input (B, T, d_in) with B = batch_size = 2\n"
        "  more : sheer explain E871")


class Follower(nn.Module):
    """One number after every step of a stream."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.stream = nn.Stateful(nn.LSTM(1, 16, batch_first=True), batch_size)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        return self.out(self.stream(x))


@pytest.mark.system("Stateful / truncated training on long streams")
def test_a_stream_is_learned_in_chunks_shorter_than_its_memory(figure):
    """y[t] is the sign that was last seen, and signs are seen every 8 steps: chunks have 4."""
    rng = np.random.default_rng(0)
    streams, chunks, steps = 8, 100, 4
    x = np.zeros((streams, chunks * steps, 1), np.float32)
    x[:, ::8, 0] = rng.choice([-1, 1], (streams, chunks * steps // 8))
    y = np.repeat(x[:, ::8], 8, 1)
    in_chunks = lambda a: a.reshape(streams, chunks, steps, 1).swapaxes(0, 1).reshape(-1, steps, 1)
    sheer.manual_seed(0)
    model = Follower(streams)
    run = fit(model, (in_chunks(x), in_chunks(y)), loss=nn.MSELoss(), epochs=6, batch_size=streams,
              optimizer=optim.Adam(model.parameters(), lr=2e-2), shuffle=False, progress=False)
    forgetful = float(np.mean(y ** 2) / 2)     # chunks without a sign are half of all
    assert run.column("loss")[-1] < forgetful / 5
    figure(f"mean squared error {run.column('loss')[-1]:.3f}; {forgetful} without the state")


# ---- back-propagation through time ---------------------------------------------------------------
@pytest.mark.system("Backpropagation through time, truncated variant")
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_shared_weights_are_differences_over_20_steps(kind, figure):
    sheer.manual_seed(0)
    layer = kind(2, 3).double()
    x = sheer.tensor(array((20, 1, 2), "float64"), dtype="float64")
    layer(x)[0].square().sum().backward()
    weight, worst = layer.weight_hh_l0, 0.0
    for at in [(0, 0), (1, 2), (2, 1)]:
        values = weight.detach().numpy().copy()
        losses = []
        for h in (1e-5, -1e-5):
            moved = values.copy()
            moved[at] += h
            weight.data.copy_(sheer.tensor(moved, dtype="float64"))
            losses.append(float(layer(x)[0].square().sum().item()))
        weight.data.copy_(sheer.tensor(values, dtype="float64"))
        numeric, exact = (losses[0] - losses[1]) / 2e-5, weight.grad.numpy()[at]
        worst = max(worst, abs(numeric - exact) / abs(exact))
    assert worst < 1e-6
    figure(f"{kind.__name__}: {worst:.0e} of the gradient")


@pytest.mark.system("Backpropagation through time, truncated variant")
def test_truncation_at_the_length_is_full_and_earlier_it_is_not():
    layer = nn.LSTM(2, 3).double()
    x = sheer.tensor(array((20, 1, 2), "float64"), dtype="float64")

    def gradient(chunk: int) -> np.ndarray:
        stream = nn.Stateful(layer, batch_size=1)
        layer.zero_grad()
        sum(stream(x[t:t + chunk]).square().sum() for t in range(0, 20, chunk)).backward()
        return layer.weight_hh_l0.grad.numpy().copy()
    layer(x)[0].square().sum().backward()
    full = layer.weight_hh_l0.grad.numpy().copy()
    np.testing.assert_allclose(gradient(20), full, rtol=1e-12)
    errors = [np.abs(gradient(k) - full).max() for k in (10, 5, 1)]
    assert 0 < errors[0] < errors[1] < errors[2]


@pytest.mark.system("L2 on recurrent weights vs vanishing gradient")
@pytest.mark.parametrize(("w", "expected"), [(2.0, 3e-15), (1.0, 0.11), (0.5, 9e-7)])
def test_neither_small_nor_large_weights_keep_the_gradient(w, expected, figure):
    """h[t] = tanh(w h[t-1]): a penalty that shrinks w below 1 makes the gradient vanish, too."""
    layer = nn.RNN(1, 1, bias=False).double()
    layer.weight_ih_l0.data.fill_(0.0)
    layer.weight_hh_l0.data.fill_(w)
    h = sheer.tensor([[[0.5]]], dtype="float64", requires_grad=True)
    _, last = layer(sheer.zeros(20, 1, 1, dtype="float64"), h)
    last.sum().backward()
    assert float(f"{h.grad.item():.0e}" if expected < 0.01 else f"{h.grad.item():.2f}") == expected
    figure(f"w = {w:g}: {h.grad.item():.2g}")


# ---- memory --------------------------------------------------------------------------------------
@pytest.mark.system("RNN (plain, Elman)")
def test_a_plain_network_copies_with_a_delay_of_five(figure):
    from sheer.recipes import make, run
    settings = {"steps": "20", "lr": "1e-2"}
    found = run(make("delayed-copy", settings), progress=False).test["accuracy"]
    assert found > 0.999
    figure(f"lag 5: {100 * found:.2f} % of the symbols")
