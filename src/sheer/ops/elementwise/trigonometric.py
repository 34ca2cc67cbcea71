"""Sines, cosines, tangents, their hyperbolic kin and the inverses; angles in radians."""

from __future__ import annotations

import numpy as np

from .compare import eq
from .exponential import hypot, sqrt
from .family import Binary, Unary, binary, unary
from .select import where


class Sin(Unary):
    """Sine of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.14
    """
    ulps, xla = 4, "sin"

    def ref(self, x): return np.sin(x)
    def vjp(self, ct, out, x): return (ct * cos(x),)
    def emit(self, b, x): return b.call("sin", x)


class Cos(Unary):
    """Cosine of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.14
    """
    ulps, xla = 4, "cos"

    def ref(self, x): return np.cos(x)
    def vjp(self, ct, out, x): return (-ct * sin(x),)
    def emit(self, b, x): return b.call("cos", x)


class Tan(Unary):
    """Tangent of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.14; d tan(x)/dx = 1 + tan(x)^2
    """
    domain, ulps, xla = (-1.3, 1.3), 5, "tan"

    def ref(self, x): return np.tan(x)
    def vjp(self, ct, out, x): return (ct * (1 + out * out),)
    def emit(self, b, x): return b.call("tan", x)


class Asin(Unary):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.23; the derivative is 1 / sqrt(1 - x^2)
    """
    domain, ulps, xla = (-0.95, 0.95), 4, "asin"

    def ref(self, x): return np.arcsin(x)
    def vjp(self, ct, out, x): return (ct / sqrt((1 - x) * (1 + x)),)
    def emit(self, b, x): return b.call("asin", x)


class Acos(Unary):
    """The angle in [0, pi] whose cosine is x; NaN outside [-1, 1].

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.23; the derivative is -1 / sqrt(1 - x^2)
    """
    domain, ulps, xla = (-0.95, 0.95), 4, "acos"

    def ref(self, x): return np.arccos(x)
    def vjp(self, ct, out, x): return (-ct / sqrt((1 - x) * (1 + x)),)
    def emit(self, b, x): return b.call("acos", x)


class Atan(Unary):
    """The angle in [-pi/2, pi/2] whose tangent is x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.23; the derivative is 1 / (1 + x^2)
    """
    ulps, xla = 4, "atan"

    def ref(self, x): return np.arctan(x)
    def vjp(self, ct, out, x): return (ct / (1 + x * x),)
    def emit(self, b, x): return b.call("atan", x)


class Atan2(Binary):
    """The angle in [-pi, pi] of the point (x, y), written atan2(y, x).

    Shape   y (*S), x (*S) -> (*S)
    Dtype   float -> the same float
    Source  C's atan2; the derivatives are x / r^2 and -y / r^2, and 0 at the origin
    """
    ulps, xla = 5, "atan2"

    def ref(self, y, x): return np.arctan2(y, x)
    def vjp(self, ct, out, y, x):
        length = hypot(x, y)
        length = where(eq(length, 0), 1, length)
        return ct * (x / length / length), -ct * (y / length / length)
    def emit(self, b, y, x): return b.call("atan2", y, x)


class Sinh(Unary):
    """Hyperbolic sine of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.28
    """
    ulps, xla = 5, "sinh"

    def ref(self, x): return np.sinh(x)
    def vjp(self, ct, out, x): return (ct * cosh(x),)
    def emit(self, b, x): return b.call("sinh", x)


class Cosh(Unary):
    """Hyperbolic cosine of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.28
    """
    ulps, xla = 5, "cosh"

    def ref(self, x): return np.cosh(x)
    def vjp(self, ct, out, x): return (ct * sinh(x),)
    def emit(self, b, x): return b.call("cosh", x)


class Tanh(Unary):
    """Hyperbolic tangent of every element.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.34; d tanh(x)/dx = 1 - tanh(x)^2
    """
    domain, ulps, xla = (-4.0, 4.0), 5, "tanh"

    def ref(self, x): return np.tanh(x)
    def vjp(self, ct, out, x): return (ct * (1 - out * out),)
    def emit(self, b, x): return b.call("tanh", x)


class Asinh(Unary):
    """The number whose hyperbolic sine is x.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.37; the derivative is 1 / sqrt(1 + x^2)
    """
    ulps, xla = 5, "asinh"

    def ref(self, x): return np.arcsinh(x)
    def vjp(self, ct, out, x): return (ct / hypot(x, 1),)
    def emit(self, b, x): return b.call("asinh", x)


class Acosh(Unary):
    """The number at or above 0 whose hyperbolic cosine is x; NaN below 1.

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.37; the derivative is 1 / sqrt(x^2 - 1)
    """
    domain, ulps, xla = (1.1, 5.0), 5, "acosh"

    def ref(self, x): return np.arccosh(x)
    def vjp(self, ct, out, x): return (ct / (sqrt(x - 1) * sqrt(x + 1)),)
    def emit(self, b, x): return b.call("acosh", x)


class Atanh(Unary):
    """The number whose hyperbolic tangent is x; NaN outside [-1, 1].

    Shape   x (*S) -> (*S)
    Dtype   float -> the same float
    Source  DLMF 4.37; the derivative is 1 / (1 - x^2)
    """
    domain, ulps, xla = (-0.95, 0.95), 5, "atanh"

    def ref(self, x): return np.arctanh(x)
    def vjp(self, ct, out, x): return (ct / ((1 - x) * (1 + x)),)
    def emit(self, b, x): return b.call("atanh", x)


sin, cos, tan, asin, acos, atan = (unary(p) for p in (Sin, Cos, Tan, Asin, Acos, Atan))
sinh, cosh, tanh, asinh, acosh, atanh = (unary(p) for p in (Sinh, Cosh, Tanh, Asinh, Acosh, Atanh))
atan2 = binary(Atan2, floating=True)
