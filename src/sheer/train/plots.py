"""Pictures of a run: its history or its predictions flow in, PNG files come out."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def available() -> bool:
    """Is matplotlib here? It is an extra: `pip install "sheer[plots]"`."""
    return importlib.util.find_spec("matplotlib") is not None


def blank_figure(width: float, height: float) -> Any:
    """A matplotlib figure without pyplot: no window, no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def learning_curve(history: Sequence[Mapping[str, float]], path: Path) -> Path:
    """Loss on the left, every other metric on the right, training and validation together."""
    names = list(dict.fromkeys(k.removeprefix("val_") for row in history for k in row))
    panels = [n for n in names if n not in ("epoch", "seconds", "rate")]
    figure = blank_figure(4.5 * max(len(panels), 1), 3.2)
    for axes, name in zip(np.atleast_1d(figure.subplots(1, max(len(panels), 1))), panels,
                          strict=False):
        for key, label in ((name, "train"), (f"val_{name}", "validation")):
            points = [(row["epoch"], row[key]) for row in history if key in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)
    return path


def confusion_matrix(guess: np.ndarray, target: np.ndarray, classes: Sequence[str],
                     path: Path) -> Path:
    """How often each class (row) was taken for each class (column)."""
    count = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(count, (target, guess), 1)
    side = max(4.0, 0.45 * len(classes) + 1.5)
    figure = blank_figure(side, side)
    axes = figure.subplots()
    shares = count / np.maximum(count.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(count):
        if number:
            axes.text(column, row, str(number), ha="center", va="center", fontsize=7,
                      color="white" if shares[row, column] > 0.5 else "black")
    axes.set_xticks(range(len(classes)), classes,
                    rotation=90 if len(max(classes, key=len)) > 2 else 0)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.savefig(path, dpi=120)
    return path


def bars(values: Mapping[str, float], title: str, path: Path) -> Path:
    """One bar for each name."""
    drawing = blank_figure(5.5, 0.4 * len(values) + 1.2)
    axes = drawing.subplots()
    drawn = axes.barh(list(values), list(values.values()))
    axes.bar_label(drawn, fmt="%.3g", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title)
    drawing.savefig(path, dpi=120)
    return path


def alignment(weights: np.ndarray, read: Sequence[str], written: Sequence[str],
              path: Path) -> Path:
    """How much was looked at each token read (column) for each token written (row)."""
    drawing = blank_figure(max(4.0, 0.4 * len(read) + 1.5), max(3.0, 0.35 * len(written) + 1.2))
    axes = drawing.subplots()
    axes.imshow(weights[:len(written), :len(read)], cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(read)), [_visible(t) for t in read],
                    rotation=90 if max(map(len, read)) > 2 else 0)
    axes.set_yticks(range(len(written)), [_visible(t) for t in written])
    drawing.savefig(path, dpi=120)
    return path


def _visible(token: str) -> str:
    """A token as a label: white space shown, no mathematics."""
    return token.replace(" ", "␣").replace("$", r"\$")


def looks(picture: np.ndarray, weights: np.ndarray, words: Sequence[str], path: Path) -> Path:
    """An image (3, H, W), and behind it, for each word, where it was looked at, (T, h, w)."""
    drawing = blank_figure(1.3 * (len(words) + 1), 1.7)
    shown = np.clip(np.moveaxis(picture, 0, -1), 0, 1)
    for number, axes in enumerate(drawing.subplots(1, len(words) + 1)):
        axes.axis("off")
        axes.imshow(shown, extent=(0, 1, 0, 1))
        if number:
            axes.imshow(weights[number - 1], cmap="gray", alpha=0.7, extent=(0, 1, 0, 1))
            axes.set_title(words[number - 1], fontsize=9)
    drawing.savefig(path, dpi=120)
    return path
