"""What the comparison with torch has to know about single names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

# Random or unspecified values: only shapes and dtypes can agree.
RANDOM = frozenset("""
randn randn_like rand_like randint randint_like multinomial normal bernoulli cauchy exponential
geometric log_normal uniform empty empty_like new_empty nn.functional.dropout
nn.functional.dropout2d nn.functional.dropout3d nn.functional.alpha_dropout
nn.functional.feature_alpha_dropout nn.functional.rrelu nn.functional.fractional_max_pool2d
nn.functional.fractional_max_pool3d
""".split())  # noqa: SIM905
# How many times the usual tolerance in float32, and why.
LOOSE = {
    "nn.functional.multi_head_attention_forward": 100,   # sums of numbers that nearly cancel
    "matrix_exp": 1e4,        # errors are relative to the largest element
    "linalg.matrix_exp": 1e4,
    "polygamma": 1e4,         # next to a pole torch is the less exact one
    "special.polygamma": 1e4,
}

# Which of equal elements comes first is unspecified: of whole numbers only values are compared.
TIES = frozenset({"sort", "argsort", "topk", "kthvalue", "mode"})


def _upright(out: Any) -> Any:
    """(Q, R) with a diagonal of R that is not negative: LAPACK's signs are those of its
    reflections, sheer's are unique."""
    q, r = out[0], out[1]
    d = r.diagonal(0, -2, -1)
    sign = torch.where(d < 0, -torch.ones_like(d), torch.ones_like(d)).detach()
    wide = torch.ones_like(q[..., 0, :] if q.numel() else q)
    if q.numel() == 0 or wide.shape[-1] == sign.shape[-1]:
        q = q * sign.unsqueeze(-2) if q.numel() else q
    else:                               # a complete Q: further columns are a basis, in no order
        q = q[..., :sign.shape[-1]] * sign.unsqueeze(-2)
    rows = r[..., :sign.shape[-1], :] * sign.unsqueeze(-1)
    return q, rows


# What makes results comparable that are not unique.
FINISH: dict[str, Callable[[Any], Any]] = {"qr": _upright, "linalg.qr": _upright}
