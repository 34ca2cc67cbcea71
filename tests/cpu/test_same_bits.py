"""The same bits for one thread and for two: reductions, normalisations, pools, draws."""

from __future__ import annotations

import os
import subprocess
import sys

WORK = """
import hashlib
import numpy as np
import sheer
import sheer.nn.functional as F

rng = np.random.default_rng(0)
new = lambda *s: sheer.from_numpy(rng.normal(size=s).astype(np.float32))
image, rows, table = new(16, 24, 33, 31), new(700, 515), new(60_000, 20)

def step(image, rows, table):
    sheer.manual_seed(3)
    def loss(image, rows, table):
        y = F.relu(F.batch_norm(image, None, None, training=True))
        y = F.max_pool2d(y, 3, 2, 1).sum() + F.avg_pool2d(y, 3, 2).std()
        z = F.layer_norm(rows, (515,)).tanh() * F.softmax(rows, -1) + F.dropout(rows, 0.3)
        t = F.batch_norm(table, None, None, training=True).exp()
        return y + z.sum() * 1e-3 + t.mean() + table.max() + (rows * rows).sum().sqrt()
    return sheer.value_and_grad(loss, argnums=(0, 1, 2))(image, rows, table)

value, grads = sheer.jit(step)(image, rows, table)
print(hashlib.sha256(b"".join(t.numpy().tobytes() for t in (value, *grads))).hexdigest())
"""


def bits(threads: int) -> str:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True,
                          env=os.environ | {"SHEER_THREADS": str(threads)})
    return done.stdout


def test_one_two_and_three_threads():
    assert bits(1) == bits(2) == bits(3)
