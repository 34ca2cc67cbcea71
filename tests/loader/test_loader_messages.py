"""What a wrong call of a dataset or loader says, whole; the same with and without workers."""

import textwrap

import numpy as np
import pytest

import sheer
from sheer.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    StratifiedSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)
from sheer.graph import SheerError


def text(call):
    """The message of the error that the call must raise, without where tensors were made."""
    with pytest.raises(SheerError) as caught:
        call()
    return "\n".join(line.split("  made at")[0].rstrip() for line in str(caught.value).split("\n"))


class Broken(Dataset):
    """Example 5 cannot be read, example 7 has another shape."""

    def __len__(self):
        return 9

    def __getitem__(self, i):
        if i == 5:
            raise OSError("disk on fire")
        return {"image": np.zeros((2, 3 + (i == 7)), np.float32), "label": i}


class Endless(Dataset):
    """Example i is i, whatever i is."""

    def __getitem__(self, i):
        return i


class Stream(IterableDataset):
    def __iter__(self):
        return iter([1, 2, 3])


CASES = {
    "lengths": (lambda: TensorDataset(sheer.tensor([1.0, 2.0]), sheer.tensor([1, 2, 3])), """
        TensorDataset: the tensors do not have the same number of rows
          tensor 0: f32[2]
          tensor 1: i64[3]
          need    : one length of the first axis
          more    : sheer explain E401
        """),
    "no tensors": (TensorDataset, """
        TensorDataset: there are no tensors
          need : one length of the first axis
          more : sheer explain E401
        """),
    "batch size": (lambda: DataLoader([1, 2], batch_size=0), """
        DataLoader: batch_size = 0
          need : a whole number >= 1
          more : sheer explain E402
        """),
    "half a batch": (lambda: BatchSampler([1], 2.5), """
        BatchSampler: batch_size = 2.5
          need : a whole number >= 1
          more : sheer explain E402
        """),
    "structure": (lambda: default_collate([(1, 2), (1, 2, 3)]), """
        collate: examples of a batch differ in structure
          example 0: 2 fields
          example 1: 3 fields
          need     : one structure for all examples
          more     : sheer explain E403
        """),
    "keys": (lambda: default_collate([(1, {"a": 1}), (1, {"b": 1})]), """
        collate: examples of a batch differ in structure in field [1]
          example 0: keys ['a']
          example 1: keys ['b']
          need     : one structure for all examples
          more     : sheer explain E403
        """),
    "nothing to stack": (lambda: default_collate([{"x": 1, "y": None}]), """
        collate: example 0 in field ['y'] cannot be stacked
          value: NoneType
          need : tensors, arrays, numbers, texts, or tuples, lists and dicts of them
          try  : collate_fn=list
          more : sheer explain E405
        """),
    "no datasets": (lambda: ConcatDataset([]), """
        ConcatDataset: there are no datasets
          need : at least one
          more : sheer explain E406
        """),
    "no such example": (lambda: ConcatDataset([[1, 2], [3]])[3], """
        ConcatDataset: there is no example 3
          need : -3 <= index < 3
          more : sheer explain E407
        """),
    "no such row": (lambda: TensorDataset(sheer.ones(4, 2), sheer.ones(4))[9], """
        TensorDataset: there is no example 9
          need : -4 <= index < 4
          more : sheer explain E407
        """),
    "no such example of a part": (lambda: Subset([1, 2, 3], [2, 0])[-3], """
        Subset: there is no example -3
          need : -2 <= index < 2
          more : sheer explain E407
        """),
    "parts": (lambda: random_split(range(10), [5, 4]), """
        random_split: the lengths add up to 9
          lengths : [5, 4]
          examples: 10
          need    : lengths that add up to 10, or shares that add up to 1
          more    : sheer explain E408
        """),
    "a negative part": (lambda: random_split(range(5), [-1, 6]), """
        random_split: lengths cannot be negative
          lengths : [-1, 6]
          examples: 5
          need    : lengths that add up to 5, or shares that add up to 1
          more    : sheer explain E408
        """),
    "half an example": (lambda: random_split(range(5), [2.5, 2.5]), """
        random_split: lengths are whole numbers
          lengths : [2.5, 2.5]
          examples: 5
          need    : lengths that add up to 5, or shares that add up to 1
          more    : sheer explain E408
        """),
    "draws": (lambda: RandomSampler([1], num_samples=0), """
        RandomSampler: num_samples = 0
          need : a whole number >= 1
          more : sheer explain E409
        """),
    "weights": (lambda: WeightedRandomSampler([1.0, -1.0], 2), """
        WeightedRandomSampler: these are no weights
          weights: [ 1. -1.]
          need   : one axis of finite numbers >= 0, not all zero
          more   : sheer explain E409
        """),
    "too many": (lambda: WeightedRandomSampler([1, 0, 2], 3, replacement=False), """
        WeightedRandomSampler: 3 different examples of 2
          need : num_samples <= 2, the examples with a weight > 0
          try  : replacement=True
          more : sheer explain E409
        """),
    "labels": (lambda: StratifiedSampler(np.eye(3)), """
        StratifiedSampler: labels are one number per example
          labels: shape (3, 3)
          need  : one axis
          more  : sheer explain E409
        """),
    "empty": (lambda: DataLoader([]), """
        DataLoader: the dataset is empty
          dataset: list of length 0
          need   : at least one example: check the folder, the filter or the split it came from
          more   : sheer explain E410
        """),
    "two orders": (lambda: DataLoader([1], shuffle=True, sampler=[0]), """
        DataLoader: shuffle and sampler exclude each other
          need : only one of them
          more : sheer explain E411
        """),
    "two sizes": (lambda: DataLoader([1], 4, batch_sampler=[[0]], drop_last=True), """
        DataLoader: batch_sampler and batch_size and drop_last exclude each other
          need : only one of them
          more : sheer explain E411
        """),
    "a class": (lambda: DataLoader(Broken), """
        DataLoader: the dataset is the class Broken
          need : an instance of it: Broken(...)
          more : sheer explain E412
        """),
    "nothing": (lambda: DataLoader(None), """
        DataLoader: a NoneType is no dataset
          need : a dataset with __getitem__ and __len__, or a stream
          more : sheer explain E412
        """),
    "a generator": (lambda: DataLoader(i for i in range(3)), """
        DataLoader: a generator is no dataset
          need : an IterableDataset that gives the examples, or a list of them
          more : sheer explain E412
        """),
    "no length": (lambda: DataLoader(Endless()), """
        DataLoader: Endless has no length
          need : Endless.__len__, or a sampler
          more : sheer explain E412
        """),
    "a sampler of batches that gives numbers": (
        lambda: list(DataLoader([1, 2], batch_sampler=RandomSampler([1, 2], seed=0))), """
        DataLoader: batch_sampler = [0]
          need : lists of numbers, one per batch: a BatchSampler, [[0, 1], [2, 3]]
          more : sheer explain E412
        """),
    "a stream in another order": (lambda: DataLoader(Stream(), shuffle=True), """
        DataLoader: an IterableDataset and shuffle exclude each other
          need : only one of them
          more : sheer explain E411
        """),
}


@pytest.mark.parametrize(("name", "value", "need"), [
    ("shuffle", "yes", "True or False"), ("sampler", 3, "numbers of examples: a Sampler, a list"),
    ("sampler", RandomSampler, "numbers of"), ("batch_sampler", [0, 1], "lists of numbers"),
    ("batch_sampler", 2, "lists of numbers"), ("num_workers", 1.5, "a whole number >= 0"),
    ("num_workers", -1, "a whole number >= 0"), ("num_workers", None, "a whole number >= 0"),
    ("collate_fn", 3, "a function from a list"), ("timeout", -1, "seconds >= 0"),
    ("prefetch_factor", 0, "a whole number >= 1"),
    ("worker_init_fn", 3, "a function of the number of a worker"),
    ("multiprocessing_context", "spawn", "None: workers are threads of this process")])
def test_a_setting_that_means_nothing_is_refused(name, value, need):
    said = text(lambda: DataLoader([1, 2], **{name: value}))
    assert said.startswith(f"DataLoader: {name} = {value!r}\n  need : {need}")
    assert said.endswith("E412")


def test_a_sampler_makes_up_for_a_missing_length():
    assert [b.tolist() for b in DataLoader(Endless(), 2, sampler=[5, 3, 8])] == [[5, 3], [8]]
    assert len(DataLoader([1, 2], shuffle=np.True_, num_workers=np.int64(1))) == 2


@pytest.mark.parametrize("name", CASES)
def test_the_whole_message(name):
    call, expected = CASES[name]
    assert text(call) == textwrap.dedent(expected).strip("\n")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_example_that_fails_is_named(workers):
    loader = DataLoader(Broken(), 2, num_workers=workers)
    assert text(lambda: list(loader)) == textwrap.dedent("""
        DataLoader: example 5 could not be made
          dataset: Broken
          error  : OSError: disk on fire
          need   : dataset[5] that works on its own
          more   : sheer explain E404
        """).strip("\n")
    with pytest.raises(SheerError) as caught:
        list(loader)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("workers", [0, 2])
def test_examples_that_differ_are_named(workers):
    loader = DataLoader(Broken(), 3, sampler=[8, 0, 1, 6, 7, 2], num_workers=workers)
    assert text(lambda: list(loader)) == textwrap.dedent("""
        collate: examples of a batch differ in shape in field ['image']
          example 6: shape (2, 3)
          example 7: shape (2, 4)
          need     : one shape; pad or crop in the dataset, or pass a collate_fn
          more     : sheer explain E403
        """).strip("\n")


def test_a_row_that_is_not_there_is_named_on_the_fast_path_too():
    loader = DataLoader(TensorDataset(sheer.tensor([1.0, 2.0])), 2, sampler=[0, 2])
    assert text(lambda: list(loader)) == textwrap.dedent("""
        DataLoader: example 2 could not be made
          dataset: TensorDataset
          error  : BoundsError: TensorDataset: there is no example 2
              need : -2 <= index < 2
              more : sheer explain E407
          need   : dataset[2] that works on its own
          more   : sheer explain E404
        """).strip("\n")
