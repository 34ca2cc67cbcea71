"""The distributions room: parameters flow in; draws, log probabilities and divergences flow out."""

from ..mixins.missing import refusing as _refusing
from . import constraints, transforms
from .compound import Independent, LogNormal, MixtureSameFamily, TransformedDistribution
from .discrete import Bernoulli, Binomial, Categorical, Multinomial, OneHotCategorical, Poisson
from .distribution import Distribution
from .kl import kl_divergence, register_kl
from .location_scale import (
    Cauchy,
    Exponential,
    Gumbel,
    HalfNormal,
    Laplace,
    Normal,
    StudentT,
    Uniform,
)
from .normal_vectors import MultivariateNormal
from .positive import Beta, Dirichlet, Gamma
from .transforms import AffineTransform, ExpTransform, SigmoidTransform, TanhTransform

__all__ = [
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "Gamma",
    "Gumbel",
    "HalfNormal",
    "Independent",
    "Laplace",
    "LogNormal",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "Poisson",
    "SigmoidTransform",
    "StudentT",
    "TanhTransform",
    "TransformedDistribution",
    "Uniform",
    "constraints",
    "kl_divergence",
    "register_kl",
    "transforms",
]
__getattr__ = _refusing("distributions", __all__)
