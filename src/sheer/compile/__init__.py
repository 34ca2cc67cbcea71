"""The compiler: a Graph flows in, a Program (kernels, their order, their memory) comes out."""

from .plan import compile_graph
from .program import Kernel, Program, Slot

__all__ = ["Kernel", "Program", "Slot", "compile_graph"]
