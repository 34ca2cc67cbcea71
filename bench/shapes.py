"""`python -m bench.shapes [NAME ...]`: networks and operations of other shapes than the bench's.

The bench's networks are examples; here the same kinds stand with odd sizes, batches of one,
primes, strides, groups, sequences of 1 and of 500. Shapes flow in; docs/shapes.md comes out: sheer
beside the best PyTorch variant, each checked before it is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from . import networks, report
from .loops import in_session, in_torch_loop, shuffled, torch_variants
from .measure import measure
from .workload import Peer, Workload
from .workloads.kernels import Operation, in_sheer, in_torch, normal

PAGE = report.HERE.parent / "docs/shapes.md"
PAIRS = 7
ABOUT = """# Other shapes

The kinds of networks and operations of `make bench` in other shapes: forward, gradients and, for
networks, Adam. Ratio: how many times faster sheer is than the best of PyTorch's eager variants (1
and 2 threads, fused and foreach, channels first and last), median of paired runs in one process,
with the range that holds 8 of 10 pairs. Below 1 sheer loses. Made by `python -m bench.shapes`.

| workload | sheer | PyTorch | ratio |
|---|---|---|---|"""
Network = Callable[[Any], Any]          # nn of either library -> model
Shape = tuple[int, ...]


# --- Networks: shuffled minibatches, Adam, mean square of all outputs or cross-entropy ----------

def network(name: str, make: Network, one: Shape, batch: int, out: Shape = (),
            batches: int = 10) -> Workload:
    """A training loop. one: shape of an example; out: shape of a target, () for ten classes."""
    rng = np.random.default_rng(0)
    rows = batch * batches
    x = rng.normal(size=(rows, *one)).astype(np.float32)
    y = (rng.normal(size=(rows, *out)).astype(np.float32) if out
         else rng.integers(0, 10, rows))
    order = shuffled(batches, batch)
    loss_of = lambda nn: nn.MSELoss() if out else nn.CrossEntropyLoss()

    def ours() -> Peer:
        import sheer
        from sheer import nn, optim
        model = _started(make(nn), sheer.tensor)
        return in_session(model, loss_of(nn), optim.Adam(model.parameters()), (x, y), order)

    def theirs(threads: int, channels_last: bool = False, **adam: bool) -> Peer:
        import torch
        model = _started(make(torch.nn), torch.tensor)
        data = torch.tensor(x), torch.tensor(y)
        if channels_last:
            model = model.to(memory_format=torch.channels_last)
            data = data[0].contiguous(memory_format=torch.channels_last), data[1]
        optimizer = torch.optim.Adam(model.parameters(), **adam)
        return in_torch_loop(model, loss_of(torch.nn), optimizer, data, order, threads)

    variants = torch_variants(theirs)
    if len(one) == 3:
        variants |= torch_variants(theirs, channels_last=True)
    return Workload(name, f"{one} x {batch}, Adam", ours, variants, checked=5)


def _started(model: Any, tensor: Callable[[np.ndarray], Any]) -> Any:
    """The model, with the weights that everybody gets."""
    found = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    values = networks.weights({n: s for n, s in found.items() if len(s)})
    model.load_state_dict({n: tensor(v) for n, v in values.items()}, strict=False)
    return model


def perceptron(*widths: int) -> Network:
    def make(nn: Any) -> Any:
        layers = []
        for i, o in pairwise(widths):
            layers += [nn.Linear(i, o), nn.ReLU()]
        return nn.Sequential(*layers[:-1])
    return make


def recurrent(kind: str, *sizes: int, **options: Any) -> Network:
    """A recurrent layer whose outputs at all steps are the answer, batch first."""
    def make(nn: Any) -> Any:
        class Net(nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(nn, kind)(*sizes, batch_first=True, **options)

            def forward(self, x: Any) -> Any:
                return self.layer(x)[0]
        return Net()
    return make


def convolutions(*layers: tuple[int, int, int, dict[str, Any]]) -> Network:
    """Convolution, batch normalisation and ReLU for every (in, out, kernel, options); then the
    mean over all places and ten classes."""
    def make(nn: Any) -> Any:
        parts: list[Any] = []
        for i, o, kernel, options in layers:
            parts += [nn.Conv2d(i, o, kernel, bias=False, **options), nn.BatchNorm2d(o), nn.ReLU()]
        return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Linear(layers[-1][1], 10))
    return make


def attention(width: int, heads: int, layers: int) -> Network:
    return lambda nn: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True),
        layers, enable_nested_tensor=False)


def separable(width: int) -> Network:
    """Two depthwise separable blocks (Howard et al. 2017) after a first convolution."""
    return convolutions(
        (3, width, 3, {"stride": 2, "padding": 1}),
        (width, width, 3, {"padding": 1, "groups": width}), (width, 2 * width, 1, {}),
        (2 * width, 2 * width, 3, {"padding": 1, "groups": 2 * width, "stride": 2}),
        (2 * width, 4 * width, 1, {}))


def decoder(nn: Any) -> Any:
    """From 64 numbers to a picture of 28 x 28 by transposed convolutions."""
    return nn.Sequential(nn.Linear(64, 32 * 49), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
                         nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
                         nn.ConvTranspose2d(16, 1, 4, 2, 1))


def all_networks() -> Iterator[Workload]:
    for widths, batch, batches in (
            ((3, 7, 1), 1, 100), ((13, 37, 11, 3), 17, 50), ((784, 256, 128, 10), 1, 50),
            ((784, 257, 131, 10), 61, 20), ((100, 512, 512, 100), 512, 10),
            ((1000, 2048, 1000), 64, 5), ((8, *[32] * 10, 1), 64, 50)):
        yield network(f"mlp {'-'.join(map(str, widths[:4]))}{'...' * (len(widths) > 4)}",
                      perceptron(*widths), widths[:1], batch, widths[-1:], batches)
    for kind, i, h, steps, batch, options in (
            ("LSTM", 64, 128, 1, 32, {}), ("LSTM", 64, 128, 500, 1, {}),
            ("LSTM", 10, 37, 29, 7, {}), ("LSTM", 32, 64, 100, 16, {"num_layers": 2}),
            ("LSTM", 64, 128, 64, 32, {"bidirectional": True}), ("LSTM", 1, 32, 500, 8, {}),
            ("GRU", 64, 128, 64, 32, {}), ("GRU", 13, 53, 17, 1, {}), ("RNN", 64, 128, 64, 32, {}),
            ("RNN", 2, 100, 200, 50, {}), ("LSTM", 256, 512, 32, 64, {})):
        words = " ".join(options)
        yield network(f"{kind} {i}-{h} T {steps} {words}".strip(),
                      recurrent(kind, i, h, **options), (steps, i), batch,
                      (steps, h * (1 + ("bidirectional" in options))), 5)
    pad = {"padding": 1}
    for name, layers, one, batch in (
            ("odd", ((3, 17, 3, pad), (17, 29, 3, {"stride": 2})), (3, 29, 31), 13),
            ("one picture", ((3, 16, 3, pad), (16, 32, 3, pad)), (3, 32, 32), 1),
            ("dilated", ((3, 16, 3, {"dilation": 2, "padding": 2}),
                         (16, 32, 3, {"dilation": 3})), (3, 32, 32), 32),
            ("groups of 8", ((4, 32, 3, pad), (32, 64, 3, {**pad, "groups": 4})), (4, 32, 32), 32),
            ("wide", ((3, 64, 5, {"padding": 2, "stride": 2}), (64, 128, 3, pad)),
             (3, 48, 48), 16)):
        yield network(f"net {name}", convolutions(*layers), one, batch)
    yield network("net separable", separable(16), (3, 64, 64), 16)
    yield network("decoder", decoder, (64,), 64, (1, 28, 28))
    for width, heads, layers, steps, batch in (
            (60, 3, 2, 37, 5), (64, 4, 2, 1, 32), (64, 4, 1, 500, 4), (256, 8, 2, 64, 8)):
        yield network(f"encoder {width} x {heads} T {steps}", attention(width, heads, layers),
                      (steps, width), batch, (steps, width), 5)


# --- Operations: forward and back, alone ---------------------------------------------------------

def operation(name: str, what: str, function: Callable[..., Any], *shapes: Shape,
              last: bool = False) -> Workload:
    """One call with the gradients of all its arrays. last: PyTorch may have channels last."""
    arrays = tuple(normal(*s, seed=2 + k) / (s[-1] ** 0.5 if k else 1)
                   for k, s in enumerate(shapes))
    it = Operation(function, arrays, len(arrays))
    return Workload(name, what, lambda: in_sheer(it), {
        f"eager, {n} thread{'s' * (n > 1)}{', channels_last' * to_end}":
        partial(in_torch, it, n, to_end) for n in (1, 2) for to_end in {False, last}})


def all_operations() -> Iterator[Workload]:
    for batch, i, o, size, kernel, options in (
            (32, 64, 64, 32, 1, {}), (8, 256, 256, 14, 3, {"padding": 1}),
            (32, 64, 128, 32, 3, {"stride": 2, "padding": 1}), (1, 64, 64, 56, 3, {"padding": 1}),
            (16, 3, 64, 64, 7, {"stride": 2, "padding": 3}), (32, 48, 48, 31, 3, {"padding": 1}),
            (16, 64, 64, 32, 3, {"dilation": 2, "padding": 2}),
            (16, 64, 64, 32, 3, {"groups": 64, "padding": 1}),
            (16, 64, 64, 32, 3, {"groups": 8, "padding": 1}), (16, 23, 37, 19, 5, {})):
        words = ", ".join(f"{k} {v}" for k, v in options.items())
        yield operation(f"conv {i}-{o} {kernel}x{kernel} {words}".strip(),
                        f"{size}^2 x {batch}", partial(_conv2d, options), (batch, i, size, size),
                        (o, i // options.get("groups", 1), kernel, kernel), last=True)
    yield operation("conv1d 32-64 by 5", "1000 x 16", lambda F, x, w: F.conv1d(x, w, padding=2),
                    (16, 32, 1000), (64, 32, 5))
    yield operation("conv_transpose 64-32 4x4 stride 2", "16^2 x 16",
                    lambda F, x, w: F.conv_transpose2d(x, w, stride=2, padding=1),
                    (16, 64, 16, 16), (64, 32, 4, 4), last=True)
    for m, k, n in ((1, 1000, 1000), (7, 13, 17), (128, 784, 256), (1024, 1024, 1024),
                    (4096, 16, 16), (33, 4001, 65)):
        yield operation(f"linear {k}-{n}", f"{m} rows", lambda F, x, w: F.linear(x, w),
                        (m, k), (n, k))
    for b, h, t, d, causal in ((8, 4, 128, 32, True), (2, 8, 512, 64, False), (16, 3, 37, 20, True),
                               (1, 1, 1000, 64, True)):
        yield operation(f"attention {h} x {d}, T {t}{', causal' * causal}", f"batch {b}",
                        lambda F, q, k, v, c=causal: F.scaled_dot_product_attention(
                            q, k, v, is_causal=c), *[(b, h, t, d)] * 3)
    yield operation("layer_norm 37", "1000 rows", lambda F, x: F.layer_norm(x, (37,)), (1000, 37))
    yield operation("softmax 10", "10000 rows", lambda F, x: F.softmax(x, -1), (10000, 10))
    yield operation("log_softmax 50257", "64 rows", lambda F, x: F.log_softmax(x, -1), (64, 50257))
    yield operation("avg_pool 3 stride 2", "32 x 57^2 x 16",
                    lambda F, x: F.avg_pool2d(x, 3, 2), (16, 32, 57, 57), last=True)
    yield operation("group_norm 8", "64 x 28^2 x 16", lambda F, x: F.group_norm(x, 8),
                    (16, 64, 28, 28), last=True)
    yield operation("gelu 1000", "1000 numbers", lambda F, x: F.gelu(x), (1000,))
    yield operation("silu", "a million elements", lambda F, x: F.silu(x), (1 << 20,))


def _conv2d(options: dict[str, Any], F: Any, x: Any, w: Any) -> Any:
    return F.conv2d(x, w, **options)


def main(words: Sequence[str]) -> None:
    """Measure all whose names hold one of the words, or all, and renew their lines of the page."""
    everything = [*all_networks(), *all_operations()]
    lines = _kept()
    for workload in everything:
        if words and not any(w in workload.name for w in words):
            continue
        tell = lambda text, name=workload.name: print(f"{name}: {text}", file=sys.stderr,
                                                      flush=True)
        line = _line(measure(workload, PAIRS, False, tell))
        print(line)
        lines[_name(line)] = line
    named = [f"{w.name} ({w.what})" for w in everything]
    PAGE.write_text("\n".join([ABOUT, *(lines[n] for n in named if n in lines), ""]))


def _kept() -> dict[str, str]:
    """The lines of the page by the names of their workloads."""
    text = PAGE.read_text().removeprefix(ABOUT) if PAGE.exists() else ""
    return {_name(line): line for line in text.splitlines() if line}


def _name(line: str) -> str:
    return line.split("|")[1].strip()


def _line(row: dict[str, Any]) -> str:
    """The line of the report's table, without its columns for JAX."""
    return "|".join(report.table([row])[2].split("|")[:-3]) + "|"


if __name__ == "__main__":
    main(sys.argv[1:])
