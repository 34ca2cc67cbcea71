"""sheer.signal: what signal processing needs, with torch.signal's names."""

from . import windows

__all__ = ["windows"]
