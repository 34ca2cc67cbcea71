"""Pictures that several recipes draw: arrays flow in, PNG files come out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

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
