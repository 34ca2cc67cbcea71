"""Contractions: sums of products. dot, einsum, convolutions."""

from .conv import Conv, ConvInput, ConvWeight
from .convolve import conv, conv_transpose
from .dot import Dot, dot_general, matmul, transpose
from .einsum import einsum

__all__ = ["Conv", "ConvInput", "ConvWeight", "Dot", "conv", "conv_transpose", "dot_general",
           "einsum", "matmul", "transpose"]
