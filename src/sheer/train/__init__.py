"""Training: fit, evaluate, predict; what happens between epochs; the Run that remembers it."""

from ..mixins.missing import refusing as _refusing
from .callbacks import Callback, EarlyStopping
from .fit import evaluate, fit, predict
from .metrics import METRICS, accuracy, mae, mse
from .run import Run
from .unfreezing import GradualUnfreezing

__all__ = ["METRICS", "Callback", "EarlyStopping", "GradualUnfreezing", "Run", "accuracy",
           "evaluate", "fit", "mae", "mse", "predict"]
__getattr__ = _refusing("train", __all__)
