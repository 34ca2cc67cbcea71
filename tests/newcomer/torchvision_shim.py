"""The few names of torchvision that the script uses, for running it with torch: nothing of ours."""

import gzip
import types
from pathlib import Path

import numpy as np
import torch


def _idx(folder, stem):
    """The bytes of an IDX file, gzip or plain."""
    path = next(p for p in Path(folder).glob(f"{stem}*"))
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    shape = np.frombuffer(raw, ">u4", raw[3], 4).astype(int)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


class MNIST(torch.utils.data.Dataset):
    """As torchvision's, without PIL in between (which is quicker than torchvision)."""

    def __init__(self, root, train=True, download=False, transform=None):
        part = "train" if train else "t10k"
        folder = next(f for f in (Path(root) / "MNIST" / "raw", Path(root) / "mnist", Path(root))
                      if f.is_dir())
        self.data, self.targets = _idx(folder, f"{part}-images"), _idx(folder, f"{part}-labels")
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return self.transform(self.data[index]), int(self.targets[index])


class Compose:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, picture):
        for step in self.steps:
            picture = step(picture)
        return picture


class ToTensor:
    def __call__(self, picture):
        return torch.from_numpy(picture[None].copy()).float().div(255)


class Normalize:
    def __init__(self, mean, std):
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, tensor):
        return tensor.clone().sub_(self.mean).div_(self.std)


datasets = types.SimpleNamespace(MNIST=MNIST)
transforms = types.SimpleNamespace(Compose=Compose, ToTensor=ToTensor, Normalize=Normalize)
