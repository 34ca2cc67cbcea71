"""The data room: files and arrays flow in, batches of tensors flow out."""

from __future__ import annotations

import importlib
from typing import Any

from ..mixins.missing import refusing
from .collate import default_collate, default_convert
from .datasets.base import (
    ConcatDataset,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .errors import DataError
from .loader import DataLoader
from .samplers.batches import BatchSampler
from .samplers.blocks import BlockSampler
from .samplers.orders import (
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

# Readers and preprocessing load Pillow, pooch and the like: found when first asked for.
_FILES = {
    "arrays.images": "ImageArrays ImagePart",
    "arrays.scenes": "BoxArrays BoxPart MaskArrays MaskPart",
    "arrays.signals": "AudioArrays AudioPart SeriesArrays",
    "arrays.tables": "TableArrays TablePart",
    "arrays.texts": "Corpus PairArrays PairPart TagArrays TagPart TextArrays TextPart",
    "datasets.base": "get_worker_info",
    "datasets.folders": "AudioFolder DatasetFolder ImageFolder TextFolder",
    "datasets.mapped": "MappedDataset",
    "datasets.parquet": "ParquetDataset",
    "datasets.pictures": "CIFAR10 DigitsUCI FashionMNIST MNIST",
    "datasets.transformed": "MixedDataset PairedDataset TransformedDataset",
    "known.catalogue": "DATASETS load_arrays",
    "labels.corrupt": "corrupt_inputs corrupt_labels",
    "labels.imbalance": "RandomOverSampler RandomUnderSampler SMOTE compute_class_weight "
                        "resample_training resampled_folds",
    "labels.multi_hot": "labels_of multi_hot",
    "preprocess.scalers": "MinMaxScaler StandardScaler scaled",
    "readers.conll": "read_conll",
    "readers.frame": "read_frame",
    "readers.idx": "read_idx",
    "readers.masks": "read_masks",
    "readers.npy": "read_npy read_npz",
    "readers.parallel": "read_parallel",
    "readers.resample": "resample",
    "readers.series": "read_series",
    "readers.text_file": "read_lines read_text",
    "readers.voc": "read_voc",
    "readers.wav": "read_wav",
    "samplers.groups": "GroupSampler TimeSampler",
    "splits.folds": "GroupKFold KFold StratifiedKFold TimeSeriesSplit",
    "splits.parts": "Parts train_validation_test_split",
    "splits.stratified": "stratified_split",
    "tables.codes": "FrameCodes as_table",
    "tables.frame": "Frame as_frame",
}
_LATER = {name: file for file, names in _FILES.items() for name in names.split()}
_ROOMS = ("datasets", "preprocess", "transforms")

__all__ = [
    "BatchSampler", "BlockSampler", "ConcatDataset", "DataError", "DataLoader", "Dataset",
    "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "StratifiedSampler",
    "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate",
    "default_convert", "random_split",
]
__all__ += list(_LATER)
__all__ += list(_ROOMS)

_refused = refusing("data", __all__)


def __getattr__(name: str) -> Any:
    """Names whose files are read late."""
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LATER:
        _refused(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
