"""Which rows of the table of systems the tables of layers and losses show."""

from __future__ import annotations

import pytest

FURTHER = ("Further activations the catalogue needs for comparison (PReLU, ELU, SELU, GELU, "
           "softplus, hard-swish)")
BATCH = "Batch normalisation (1-D, 2-D; train and eval mode)"
CROSS = "Cross-entropy (binary, categorical, with logits)"
ROWS = {
    "Linear": "Dense / fully connected layer",
    "Sequential": "Multi-layer perceptron (input, hidden, output layers)",
    "Sigmoid": "Sigmoid / logistic", "Tanh": "Tanh", "ReLU": "ReLU", "LeakyReLU": "Leaky ReLU",
    "Softmax": "Softmax", "SiLU": "Swish / SiLU (with slope beta)",
    "Swish": "Swish / SiLU (with slope beta)", "Maxout": "Maxout",
    "Cosine": "Cosine / periodic activation",
    **dict.fromkeys(("PReLU", "ELU", "SELU", "GELU", "Softplus", "Hardswish"), FURTHER),
    "BatchNorm1d": BATCH, "BatchNorm2d": BATCH,
    "LayerNorm": "Layer normalisation (needed by the transformer)",
    "Dropout": "Dropout (forward, backward, train/eval)",
    "MSELoss": "Squared error / L2 / quadratic cost", "L1Loss": "L1 / absolute error",
    "CrossEntropyLoss": CROSS, "BCEWithLogitsLoss": CROSS, "BCELoss": CROSS,
    "SmoothL1Loss": "Smooth L1 / Huber (box regression)",
    "HuberLoss": "Smooth L1 / Huber (box regression)", "KLDivLoss": "KL divergence / ELBO",
}


def systems(name: str) -> list[pytest.MarkDecorator]:
    """The mark of a layer or loss."""
    return [pytest.mark.system(ROWS[name])] if name in ROWS else []
