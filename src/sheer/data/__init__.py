"""The data room: files and arrays flow in, batches of tensors flow out."""

from __future__ import annotations

import importlib
from typing import Any

from ..mixins.missing import refusing
from .collate import default_collate, default_convert
from .dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .errors import DataError
from .loader import DataLoader
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

# Readers and preprocessing load Pillow, pooch and the like: found when first asked for.
_LATER = {
    "DATASETS": "catalogue", "load_arrays": "catalogue", "stratified_split": "split",
    "ImageArrays": "arrays", "ImagePart": "arrays", "TableArrays": "arrays", "TablePart": "arrays",
    "CIFAR10": "datasets", "DigitsUCI": "datasets", "FashionMNIST": "datasets",
    "MNIST": "datasets", "datasets": "", "preprocess": "", "transforms": "",
    "AudioArrays": "arrays_signal", "AudioPart": "arrays_signal", "SeriesArrays": "arrays_signal",
    "Corpus": "arrays_text", "PairArrays": "arrays_text", "PairPart": "arrays_text",
    "TagArrays": "arrays_text", "TagPart": "arrays_text", "TextArrays": "arrays_text",
    "TextPart": "arrays_text", "Frame": "frame", "as_frame": "frame", "read_frame": "frame",
    "read_conll": "readers.conll", "read_lines": "readers.text_file",
    "read_parallel": "readers.parallel", "read_series": "readers.series",
    "read_text": "readers.text_file", "read_wav": "readers.wav", "resample": "readers.resample",
    "GroupKFold": "folds", "KFold": "folds", "StratifiedKFold": "folds",
    "TimeSeriesSplit": "folds", "Parts": "parts", "train_validation_test_split": "parts",
    "RandomOverSampler": "imbalance", "RandomUnderSampler": "imbalance", "SMOTE": "imbalance",
    "compute_class_weight": "imbalance", "resample_training": "imbalance",
    "resampled_folds": "imbalance", "MinMaxScaler": "scaling", "StandardScaler": "scaling",
    "scaled": "scaling", "corrupt_inputs": "corrupt", "corrupt_labels": "corrupt",
    "labels_of": "multilabel", "multi_hot": "multilabel", "GroupSampler": "sampler_groups",
    "TimeSampler": "sampler_groups", "MixedDataset": "transformed",
    "PairedDataset": "transformed", "TransformedDataset": "transformed",
}

__all__ = [
    "BatchSampler", "ConcatDataset", "DataError", "DataLoader", "Dataset", "IterableDataset",
    "RandomSampler", "Sampler", "SequentialSampler", "StratifiedSampler", "Subset",
    "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate",
    "default_convert", "random_split",
]
__all__ += list(_LATER)

_refused = refusing("data", __all__)


def __getattr__(name: str) -> Any:
    """Names whose files are read late."""
    if name not in _LATER:
        _refused(name)
    if not _LATER[name]:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
