"""utils.tensorboard: the name of torch.utils.tensorboard; tensorboardX writes the files."""

from __future__ import annotations

from typing import Any

from ..extras import extra
from ..graph.errors import MissingError
from ..tensor import Tensor


class SummaryWriter:
    """Write numbers, texts, images and histograms for TensorBoard, from a loop of one's own.

    Every method is tensorboardX's; tensors among the arguments are handed to it as arrays.

    Params  as tensorboardX.SummaryWriter: log_dir, the folder of the event file, comes first
    Raises  E840 without tensorboardX; E190 for `add_graph`, which reads graphs of another library
    Source  torch.utils.tensorboard.SummaryWriter
    Example
        >>> with SummaryWriter(folder) as board:
        ...     board.add_scalar("loss", sheer.tensor(0.5), 1)
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        board = extra("tensorboardX", "tensorboard", "SummaryWriter")
        self._writer = board.SummaryWriter(*args, **settings)

    def __getattr__(self, name: str) -> Any:
        if name == "add_graph":
            raise MissingError("E190", "SummaryWriter", "there is no add_graph",
                               need="sheer.explain.to_svg(sheer.jit(model).lower(x)), a picture")
        found = getattr(self.__dict__["_writer"], name)
        if not callable(found):
            return found
        return lambda *args, **settings: found(*_plain(args), **_plain(settings))

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


def _plain(value: Any) -> Any:
    """The same with every tensor as an array, and one of no axes as a number."""
    if isinstance(value, Tensor):
        array = value.detach().numpy()
        return array if array.ndim else array.item()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


__all__ = ["SummaryWriter"]
