"""The optim room: gradients flow in, better weights flow out."""

from ..mixins.missing import refusing as _refusing
from ..nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, get_total_norm
from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .annealing import simulated_annealing
from .asgd import ASGD
from .ema import ExponentialMovingAverage
from .group import ParamGroup
from .layerwise import layer_groups
from .lbfgs import LBFGS
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .proximal import ProximalSGD
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD
from .update_rule import UpdateRule

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ExponentialMovingAverage",
    "Muon",
    "NAdam",
    "Optimizer",
    "ParamGroup",
    "ProximalSGD",
    "RAdam",
    "RMSprop",
    "Rprop",
    "UpdateRule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "layer_groups",
    "lr_scheduler",
    "simulated_annealing",
    "swa_utils",
]
__getattr__ = _refusing("optim", __all__)
