"""Transforms: pictures, rows of numbers, texts and sounds flow in, changed by chance or not.

Names of torchvision, and of torchaudio for sound. What chance draws is a function of (seed, epoch,
example): see chance.py.
"""

from .audio import (
    MFCC,
    AddNoise,
    AmplitudeToDB,
    FrequencyMasking,
    MelScale,
    MelSpectrogram,
    RandomGain,
    RandomShift,
    Spectrogram,
    TimeMasking,
    Vol,
    mel_filters,
)
from .base import Geometric, PictureTransform, SanitizeBoundingBoxes
from .chance import at, draw_on
from .colour import ColorJitter, Grayscale, RandomGrayscale, RandomInvert
from .compose import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from .convert import Normalize, PILToTensor, ToPILImage, ToTensor
from .geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from .mix import CutMix, MixUp
from .moves import InterpolationMode
from .numbers import FeatureDropout, Jitter, Scaling
from .pipeline import Pipeline
from .spoil import GaussianBlur, GaussianNoise, RandomErasing
from .turning import RandomAffine, RandomPerspective, RandomRotation
from .words import BackTranslation, RandomDeletion, RandomInsertion, RandomSwap, SynonymReplacement

__all__ = [
    "MFCC", "AddNoise", "AmplitudeToDB", "BackTranslation", "CenterCrop", "ColorJitter", "Compose",
    "CutMix", "FeatureDropout", "FrequencyMasking", "GaussianBlur", "GaussianNoise", "Geometric",
    "Grayscale", "InterpolationMode", "Jitter", "Lambda", "MelScale", "MelSpectrogram", "MixUp",
    "Normalize", "PILToTensor", "Pad", "PictureTransform", "Pipeline", "RandomAffine",
    "RandomApply", "RandomChoice", "RandomCrop", "RandomDeletion", "RandomErasing", "RandomGain",
    "RandomGrayscale", "RandomHorizontalFlip", "RandomInsertion", "RandomInvert", "RandomOrder",
    "RandomPerspective", "RandomResizedCrop", "RandomRotation", "RandomShift", "RandomSwap",
    "RandomVerticalFlip", "Resize", "SanitizeBoundingBoxes", "Scaling", "Spectrogram",
    "SynonymReplacement", "TimeMasking", "ToPILImage", "ToTensor", "Vol", "at", "draw_on",
    "mel_filters",
]
