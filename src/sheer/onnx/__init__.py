"""ONNX: a model and an example flow out as a file that other runtimes run; such files come in."""

from ..mixins.missing import refusing as _refusing
from .export import export
from .load import OnnxModule, load

__all__ = ["OnnxModule", "export", "load"]
__getattr__ = _refusing("onnx", __all__)
