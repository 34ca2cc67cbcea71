"""DataLoader: a dataset flows in, batches flow out, in an order fixed by (seed, epoch)."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, DataError
from ..mixins.core import wrap
from ..ops.structure import data
from .collate import default_collate, default_convert
from .datasets.base import IterableDataset
from .draws import Order, seed_of
from .samplers.batches import BatchSampler, check_batch_size
from .samplers.orders import RandomSampler, Sampler, SequentialSampler, by_epoch
from .transforms import chance

_END = object()                          # what a stream that is used up gives
_WHOLE = lambda v: isinstance(v, int | np.integer) and not isinstance(v, bool)
_MANY = lambda v: hasattr(v, "__iter__") and not isinstance(v, type | str)
_SETTINGS: dict[str, tuple[Callable[[Any], Any], str]] = {        # what fits, in code and in words
    "shuffle": (lambda v: isinstance(v, bool | np.bool_), "True or False"),
    "sampler": (_MANY, "numbers of examples: a Sampler, a list, or an object with __iter__"),
    "batch_sampler": (lambda v: _MANY(v) and (not isinstance(v, list | tuple) or all(
        map(_MANY, v))), "lists of numbers, one per batch: a BatchSampler, [[0, 1], [2, 3]]"),
    "num_workers": (lambda v: _WHOLE(v) and v >= 0, "a whole number >= 0"),
    "collate_fn": (callable, "a function from a list of examples to a batch"),
    "timeout": (lambda v: isinstance(v, int | float | np.number) and v >= 0, "seconds >= 0"),
    "prefetch_factor": (lambda v: _WHOLE(v) and v >= 1, "a whole number >= 1"),
    "worker_init_fn": (callable, "a function of the number of a worker"),
    "multiprocessing_context": (lambda v: False, "None: workers are threads of this process")}


class DataLoader:
    """Batches of a dataset. Every pass is the next epoch: another order, and other augmentations.

    Workers are threads that prepare batches ahead; what they give, and in which order, does not
    depend on their number. A dataset with a `batch(rows)` method (TensorDataset, the pictures)
    makes whole batches at once. pin_memory, persistent_workers and timeout are PyTorch's and do
    nothing: there is no device to copy to and no process to keep.

    Params  batch_size   examples per batch; None gives single examples
            shuffle      a new order in every epoch; otherwise that of the dataset
            num_workers  threads that prepare batches ahead; 0 prepares them when asked
            drop_last    leave out a last batch that is not full
            worker_init_fn  called with its number by each of these threads as it starts
            collate_fn   from a list of examples to a batch; `default_collate` unless given
            seed         of the orders and augmentations; that of `sheer.manual_seed` unless given
    Shape   len(loader): ceil(N / batch_size), or floor with drop_last
    Raises  E402 no batch size, E403 examples that differ, E404 an example that failed, E405 one
            that cannot be stacked, E410 an empty dataset, E411 settings that exclude each other,
            E412 one that means nothing
    Source  torch.utils.data.DataLoader
    """

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
                 sampler: Any = None, batch_sampler: Any = None, num_workers: int = 0,
                 collate_fn: Callable[[list[Any]], Any] | None = None, pin_memory: bool = False,
                 drop_last: bool = False, timeout: float = 0, generator: Any = None, *,
                 prefetch_factor: int | None = None, persistent_workers: bool = False,
                 worker_init_fn: Callable[[int], Any] | None = None,
                 multiprocessing_context: Any = None, seed: int | None = None) -> None:
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.collate_fn = num_workers, collate_fn
        self.prefetch_factor, self.worker_init_fn = prefetch_factor or 2, worker_init_fn
        self.streaming = isinstance(dataset, IterableDataset)
        _check_dataset(dataset, ordered=sampler is not None or batch_sampler is not None)
        _check_settings(shuffle=shuffle, sampler=sampler, batch_sampler=batch_sampler,
                        num_workers=num_workers, collate_fn=collate_fn, timeout=timeout,
                        prefetch_factor=prefetch_factor, worker_init_fn=worker_init_fn,
                        multiprocessing_context=multiprocessing_context)
        self._check(shuffle, sampler, batch_sampler)
        self.seed = seed_of(seed, generator)          # of orders and augmentations
        self.sampler = sampler if sampler is not None or self.streaming else self._sampler(shuffle)
        self.batch_sampler = batch_sampler
        if batch_sampler is None and batch_size is not None and not self.streaming:
            self.batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self.epoch = 0

    # ---- the order -----------------------------------------------------------------------------
    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be this epoch: what a run that is resumed does."""
        self.epoch = epoch

    def order(self, epoch: int) -> Order:
        """The numbers of the examples of an epoch, in order.

        Of a foreign sampler that cannot be asked for an epoch, what it gives now.
        """
        if by_epoch(self.sampler):
            known: Order = self.sampler.order(epoch)
            return known
        return np.fromiter(self.sampler, np.int64)

    def __len__(self) -> int:
        if self.streaming:
            n = len(self.dataset)
            size = self.batch_size or 1
            return int(n // size if self.drop_last else -(-n // size))
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from number `start` on, without a look at those before."""
        run = partial(_run, self.seed, epoch)
        jobs = self._stream_jobs() if self.streaming else self._jobs(epoch, start)
        made = map(run, jobs) if self.num_workers <= 0 else self._ahead(run, jobs)
        if not self.streaming:
            return iter(made)
        return itertools.islice((b for b in made if b is not _END), start, None)

    # ---- making batches ------------------------------------------------------------------------
    def _jobs(self, epoch: int, start: int) -> Iterator[Callable[[], Any]]:
        """What has to be done for each batch, in order."""
        for rows in itertools.islice(self._rows(epoch), start, None):
            yield partial(self._single if self.batch_sampler is None else self._batch, rows)

    def _rows(self, epoch: int) -> Iterable[Any]:
        """What to fetch for each batch: the numbers of its examples."""
        whole: Any = self.batch_sampler
        if whole is None:
            return iter(self.order(epoch))
        if type(whole) is BatchSampler and by_epoch(whole.sampler):
            ordered: Any = whole.sampler
            order, size = ordered.order(epoch), whole.batch_size
            return [order[i * size:(i + 1) * size] for i in range(len(whole))]
        if hasattr(whole, "set_epoch"):
            whole.set_epoch(epoch)
        found: Iterable[Any] = whole
        return found

    def _batch(self, rows: Sequence[int]) -> Any:
        """One batch, at once when the dataset can do that."""
        _check_settings(batch_sampler=[rows])                # those that cannot be asked before
        arrays = None
        if self.collate_fn is None and hasattr(self.dataset, "batch"):
            try:
                arrays = self.dataset.batch(np.asarray(rows))
            except Exception:
                for r in rows:
                    self._example(int(r))             # says which one it was
                raise
        if arrays is not None:
            return [wrap(data(np.ascontiguousarray(a))) for a in arrays]
        return self._collated([self._example(int(r)) for r in rows], [int(r) for r in rows])

    def _single(self, row: int) -> Any:
        return (self.collate_fn or default_convert)(self._example(int(row)))

    def _collated(self, items: list[Any], rows: Sequence[int]) -> Any:
        if self.collate_fn is None:
            return default_collate(items, rows)
        with chance.at(rows[0], chance.BATCH):            # a batch may be mixed with itself
            return self.collate_fn(items)

    def _example(self, row: int) -> Any:
        try:
            with chance.at(row):
                return self.dataset[row]
        except Exception as error:
            raise DataError(
                "E404", "DataLoader", f"example {row} could not be made",
                got={"dataset": type(self.dataset).__name__,
                     "error": f"{type(error).__name__}: {error}".replace("\n", "\n    ")},
                need=f"dataset[{row}] that works on its own") from error

    def _stream_jobs(self) -> Iterator[Callable[[], Any]]:
        """Batches of consecutive examples. The stream is read by whoever runs the job."""
        examples, size = enumerate(iter(self.dataset)), self.batch_size
        ended = [False]
        def take() -> Any:
            taken = list(itertools.islice(examples, size or 1))
            ended[0] = len(taken) < (size or 1)
            if not taken or (ended[0] and self.drop_last):
                return _END
            items, rows = [v for _, v in taken], [i for i, _ in taken]
            return (self.collate_fn or default_convert)(items[0]) if size is None \
                else self._collated(items, rows)
        while not ended[0]:
            yield take

    def _ahead(self, run: Callable[[Any], Any], jobs: Iterator[Any]) -> Iterator[Any]:
        """Batches in order, made by threads ahead of need."""
        workers = 1 if self.streaming else self.num_workers    # one reader per stream
        waiting: deque[Future[Any]] = deque()
        numbers, failed = itertools.count(), list[Exception]()
        def begin() -> None:
            try:
                (self.worker_init_fn or (lambda number: None))(next(numbers))
            except Exception as error:
                failed.append(error)              # for whoever waits for a batch
        pool = ThreadPoolExecutor(workers, thread_name_prefix="sheer-loader", initializer=begin)
        try:
            for job in itertools.islice(jobs, workers * self.prefetch_factor):
                waiting.append(pool.submit(run, job))
            while waiting:
                batch = waiting.popleft().result()
                if failed:
                    raise failed[0]
                waiting.extend(pool.submit(run, job) for job in itertools.islice(jobs, 1))
                yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    # ---- checks --------------------------------------------------------------------------------
    def _sampler(self, shuffle: bool | None) -> Sampler:
        if not shuffle:
            return SequentialSampler(self.dataset)
        if hasattr(self.dataset, "shuffled"):         # it knows which orders it can be read in
            suited: Sampler = self.dataset.shuffled(self.seed)
            return suited
        return RandomSampler(self.dataset, seed=self.seed)

    def _check(self, shuffle: bool | None, sampler: Any, batch_sampler: Any) -> None:
        chosen = {"shuffle": shuffle, "sampler": sampler is not None,
                  "batch_sampler": batch_sampler is not None}
        if batch_sampler is not None:
            chosen |= {"batch_size": self.batch_size != 1, "drop_last": self.drop_last}
        elif self.batch_size is None:
            chosen = {"batch_size=None": True, "drop_last": self.drop_last}
        else:
            check_batch_size("DataLoader", self.batch_size)
        given = [name for name, value in chosen.items() if value]
        if self.streaming and (shuffle or sampler is not None or batch_sampler is not None):
            given = ["an IterableDataset", *given]
        if len(given) > 1:
            raise ArgumentError("E411", "DataLoader", f"{' and '.join(given)} exclude each other",
                                need="only one of them")
        if hasattr(self.dataset, "__len__") and not self.streaming and len(self.dataset) == 0:
            raise ArgumentError(
                "E410", "DataLoader", "the dataset is empty",
                got={"dataset": f"{type(self.dataset).__name__} of length 0"},
                need="at least one example: check the folder, the filter or the split it came from")


def _check_dataset(dataset: Any, ordered: bool) -> None:
    """Raise E412 unless it is a stream, or gives examples by number and something says which.

    ordered  a sampler says which
    """
    kind = dataset.__name__ if isinstance(dataset, type) else type(dataset).__name__
    what, need = f"a {kind} is no dataset", "a dataset with __getitem__ and __len__, or a stream"
    if isinstance(dataset, type):
        what, need = f"the dataset is the class {kind}", f"an instance of it: {kind}(...)"
    elif isinstance(dataset, IterableDataset):
        return
    elif hasattr(dataset, "__getitem__"):
        if ordered or hasattr(dataset, "__len__"):
            return
        what, need = f"{kind} has no length", f"{kind}.__len__, or a sampler"
    elif hasattr(dataset, "__iter__"):
        need = "an IterableDataset that gives the examples, or a list of them"
    raise ArgumentError("E412", "DataLoader", what, need=need)


def _check_settings(**given: Any) -> None:
    """Raise E412 for the first setting of a kind that means nothing."""
    for name, value in given.items():
        fits, need = _SETTINGS[name]
        optional = name not in ("num_workers", "timeout")
        if not (optional and value is None) and not fits(value):
            raise ArgumentError("E412", "DataLoader", f"{name} = {repr(value)[:60]}", need=need)


def _run(seed: int, epoch: int, job: Callable[[], Any]) -> Any:
    """One batch, its augmentations drawn for this epoch."""
    with chance.draw_on(seed, epoch):
        return job()
