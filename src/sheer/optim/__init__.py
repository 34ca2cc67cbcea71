"""The optim room: gradients flow in, better weights flow out."""

from ..mixins.missing import refusing as _refusing
from . import lr_scheduler
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .annealing import simulated_annealing
from .clip import clip_grad_norm_, clip_grad_value_, get_total_norm
from .ema import ExponentialMovingAverage
from .group import ParamGroup
from .nadam import NAdam
from .optimizer import Optimizer
from .proximal import ProximalSGD
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "ExponentialMovingAverage", "NAdam",
    "Optimizer", "ParamGroup", "ProximalSGD", "RAdam", "RMSprop", "Rprop", "clip_grad_norm_",
    "clip_grad_value_", "get_total_norm", "lr_scheduler", "simulated_annealing",
]
__getattr__ = _refusing("optim", __all__)
