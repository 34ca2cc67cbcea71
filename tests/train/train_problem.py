"""What the training tests train: a small problem, a small network, a small loader."""

import numpy as np

import sheer
from sheer import nn, optim
from sheer.random import manual_seed

ROWS = 103                       # prime: every batch size leaves a ragged last batch


class Problem:
    """Five numbers, two classes; a network with dropout and batch norm, so that state counts."""

    loss = staticmethod(nn.functional.cross_entropy)

    def __init__(self):
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(ROWS, 5)).astype(np.float32)
        self.y = (self.x.sum(1) > 0).astype(np.int64)

    def make(self, seed=3):
        """A new model and its optimizer."""
        manual_seed(seed)
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2),
                              nn.Linear(8, 2))
        return model, optim.Adam(model.parameters(), lr=1e-2)

    def fit(self, model, optimizer, data=None, **options):
        """fit with the settings of these tests."""
        from sheer.train import fit
        settings = {"loss": self.loss, "optimizer": optimizer, "epochs": 3, "batch_size": 16,
                    "progress": False}
        return fit(model, (self.x, self.y) if data is None else data, **{**settings, **options})


class Batches:
    """A loader as small as can be: batches of rows in an order that depends on the epoch."""

    batch_size = 8

    def __init__(self, x, y, on_batch=lambda epoch, i: None):
        self.x, self.y, self.on_batch, self.epoch = x, y, on_batch, 0

    def __len__(self):
        return (len(self.y) + self.batch_size - 1) // self.batch_size

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = np.random.default_rng(self.epoch).permutation(len(self.y))
        for i in range(len(self)):
            self.on_batch(self.epoch, i)
            rows = order[i * self.batch_size:(i + 1) * self.batch_size]
            yield sheer.tensor(self.x[rows]), sheer.tensor(self.y[rows])
