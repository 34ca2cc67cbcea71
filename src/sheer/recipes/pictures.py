"""Pictures that several recipes draw: arrays flow in, PNG files come out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..metrics import precision_recall_curve
from ..train.plots import blank_figure


def image_rows(images: Mapping[str, np.ndarray], along: str, path: Path) -> Path:
    """Small arrays as grey pictures, one below the other, with a common horizontal axis.

    Shape   images (rows, columns) each
    """
    figure = blank_figure(8, 1.3 * len(images) + 0.6)
    rows = figure.subplots(len(images), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, image) in zip(rows, images.items(), strict=True):
        axes.imshow(image, aspect="auto", cmap="gray_r", interpolation="nearest")
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_yticks([])
    axes.set_xlabel(along)
    figure.savefig(path, dpi=120)
    return path


def forecasts(values: np.ndarray, begins: np.ndarray, said: np.ndarray, season: int,
              path: Path) -> Path:
    """A series, what was said of it, and what the season before would have said.

    Shape   values (T,), begins (N,), said (N, H): the rows from begins[i] on
    """
    horizon = said.shape[1]
    first = max(int(begins[0]) - 2 * horizon, 0)
    rows = np.arange(first, int(begins[-1]) + horizon)
    figure = blank_figure(10, 3.6)
    axes = figure.subplots()
    axes.plot(rows, values[rows], color="black", linewidth=1, label="measured")
    if 1 < season <= first:
        axes.plot(rows, values[rows - season], color="tab:gray", linewidth=0.8, linestyle=":",
                  label="a season before")
    for i, (begin, told) in enumerate(zip(begins, said, strict=True)):
        axes.plot(np.arange(begin, begin + horizon), told, color="tab:red", linewidth=1,
                  marker="." if horizon == 1 else None, label="" if i else "forecast")
    axes.set_xlabel("row")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    return path


def precision_recall(target: np.ndarray, scores: np.ndarray, path: Path) -> Path:
    """Precision against recall over all thresholds; the dotted line is what chance reaches."""
    precision, recall, _ = precision_recall_curve(target, scores)
    figure = blank_figure(4.5, 3.6)
    axes = figure.subplots()
    axes.step(recall, precision, where="post")
    axes.axhline(float(np.mean(target)), color="gray", linestyle=":")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    return path


def pen_strokes(steps: np.ndarray, columns: int, path: Path) -> Path:
    """Digits as a pen wrote them, row by row.

    Shape   steps (N, T, 5), as `strokes.digits_by_pen` makes them; N a multiple of the columns
    """
    figure = blank_figure(0.8 * columns, 0.9 * len(steps) / columns)
    cells = figure.subplots(len(steps) // columns, columns, squeeze=False).ravel()
    for axes, row in zip(cells, steps, strict=True):
        real = row[(row[:, 4] > 0) & (row[:, 3] == 0)]
        places = np.concatenate([np.zeros((1, 2)), np.cumsum(real[:, :2], 0)])
        for stroke in np.split(places, np.flatnonzero(real[:, 2]) + 1):
            axes.plot(*stroke.T, color="black", linewidth=1)
        axes.set_aspect("equal")
        axes.axis("off")
    figure.savefig(path, dpi=120)
    return path
