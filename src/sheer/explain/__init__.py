"""Explanations: graphs drawn; what flows through a network, and what it does not know."""

from .curves import judge_curves
from .draw import to_svg
from .flow import GradientFlow, gradient_flow
from .uncertainty import dropout_samples, predictive_entropy
from .units import activations, dead_units, sparsity

__all__ = ["GradientFlow", "activations", "dead_units", "dropout_samples", "gradient_flow",
           "judge_curves", "predictive_entropy", "sparsity", "to_svg"]
