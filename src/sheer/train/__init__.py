"""Training: fit, evaluate, predict; what happens between epochs; the Run that remembers it."""

from ..mixins.missing import refusing as _refusing
from .callbacks import Callback, EarlyStopping
from .comparison import Compared, Comparison, compare
from .curvature import hessian_product, largest_curvature, model_loss, stationary_point
from .fit import evaluate, fit, predict
from .metrics import METRICS, accuracy, mae, mse
from .range_test import lr_range_test
from .run import Run
from .streamed import R2, FBeta, Perplexity, RootMeanSquare, Streamed
from .tensorboard import TensorBoard
from .unfreezing import GradualUnfreezing

__all__ = ["METRICS", "R2", "Callback", "Compared", "Comparison", "EarlyStopping", "FBeta",
           "GradualUnfreezing", "Perplexity", "RootMeanSquare", "Run", "Streamed", "TensorBoard",
           "accuracy", "compare", "evaluate", "fit", "hessian_product", "largest_curvature",
           "lr_range_test", "mae", "model_loss", "mse", "predict", "stationary_point"]
__getattr__ = _refusing("train", __all__)
