"""utils.checkpoint: the name of torch.utils.checkpoint."""

from ..transforms.checkpoint import checkpoint

__all__ = ["checkpoint"]
