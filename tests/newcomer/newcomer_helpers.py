"""What the newcomer tests share: where the script is, its import lines, and a small MNIST."""

import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "mnist.py"
SHARED = Path(os.environ.get("SHEER_DATA") or ROOT.parent / "shared" / "data")
IMPORTS = {                      # all that a newcomer changes
    "import sheer as torch": "import torch",
    "import sheer.nn as nn": "import torch.nn as nn",
    "import sheer.nn.functional as F": "import torch.nn.functional as F",
    "import sheer.optim as optim": "import torch.optim as optim",
    "from sheer.data import datasets, transforms":
        "from torchvision_shim import datasets, transforms",
    "from sheer.optim.lr_scheduler import StepLR": "from torch.optim.lr_scheduler import StepLR",
}


def small_mnist(folder, rows=(500, 120), seed=0):
    """IDX files with blobs whose place tells their class: learnable, like MNIST, in little time."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for part, count in zip(("train", "t10k"), rows, strict=True):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        images = rng.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            top, left = 2 + 13 * (label // 5), 1 + 5 * (label % 5)
            image[top:top + 10, left:left + 5] += 180
        for name, array in ((f"{part}-images-idx3-ubyte", images),
                            (f"{part}-labels-idx1-ubyte", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (folder / name).write_bytes(head + array.tobytes())
