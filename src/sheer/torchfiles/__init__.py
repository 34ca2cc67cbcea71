"""The files of torch.save: bytes flow in, tensors in dicts and lists come out, and back.

Nothing in a file is executed: its pickle is a list of instructions that our own machine follows,
and the few names it may use are looked up in a table.
"""

from .read import is_torch_file, read
from .write import write

__all__ = ["is_torch_file", "read", "write"]
