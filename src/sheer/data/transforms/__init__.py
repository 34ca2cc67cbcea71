"""Image transforms: a picture flows in, what a network wants flows out. Names of torchvision."""

from .chance import at, draw_on
from .compose import Compose, Lambda
from .convert import Normalize, PILToTensor, ToPILImage, ToTensor
from .geometry import CenterCrop, RandomCrop, RandomHorizontalFlip, Resize
from .pipeline import Pipeline

__all__ = ["CenterCrop", "Compose", "Lambda", "Normalize", "PILToTensor", "Pipeline", "RandomCrop",
           "RandomHorizontalFlip", "Resize", "ToPILImage", "ToTensor", "at", "draw_on"]
