"""Training: fit, evaluate, predict; what happens between epochs; the Run that remembers it."""

from ..mixins.missing import refusing as _refusing
from .callbacks import Callback, EarlyStopping
from .comparison import Compared, Comparison, compare
from .fit import evaluate, fit, predict
from .metrics import METRICS, accuracy, mae, mse
from .run import Run
from .streamed import R2, FBeta, Perplexity, RootMeanSquare, Streamed

__all__ = ["METRICS", "R2", "Callback", "Compared", "Comparison", "EarlyStopping", "FBeta",
           "Perplexity", "RootMeanSquare", "Run", "Streamed", "accuracy", "compare", "evaluate",
           "fit", "mae", "mse", "predict"]
__getattr__ = _refusing("train", __all__)
