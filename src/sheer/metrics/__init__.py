"""The metrics room: what was true and what was said flow in as arrays, scores flow out.

Names, arguments and results are scikit-learn's where it has the same metric; scikit-learn itself
is not needed. What `fit(metrics=[...])` measures inside its programs is in `sheer.train`.
"""

from ..mixins.missing import refusing as _refusing
from .bleu import BLEU, corpus_bleu, tokenize_13a
from .classification import accuracy_score, confusion_matrix
from .clustering import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from .fscore import (
    f1_score,
    fbeta_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from .likelihood import LikelihoodRatio, LogisticFit, chi2_sf, irls, likelihood_ratio_test
from .power import ErrorRates, simulate_errors, z_test, z_test_power
from .probability import brier_score_loss, calibration_curve, log_loss, perplexity
from .ranking import (
    auc,
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from .spans import SpanScores, exact_match, span_f1, span_scores, spans_of
from .threshold import Threshold, best_threshold

__all__ = [
    "BLEU", "ErrorRates", "LikelihoodRatio", "LogisticFit", "SpanScores", "Threshold",
    "accuracy_score", "adjusted_rand_score", "auc", "average_precision_score", "best_threshold",
    "brier_score_loss", "calibration_curve", "chi2_sf", "confusion_matrix", "corpus_bleu",
    "exact_match", "f1_score", "fbeta_score", "irls", "likelihood_ratio_test", "log_loss",
    "normalized_mutual_info_score", "perplexity", "precision_recall_curve",
    "precision_recall_fscore_support", "precision_score", "recall_score", "roc_auc_score",
    "roc_curve", "silhouette_score", "simulate_errors", "span_f1", "span_scores", "spans_of",
    "tokenize_13a", "z_test", "z_test_power",
]
__getattr__ = _refusing("metrics", __all__)
