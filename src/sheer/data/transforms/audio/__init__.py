"""Sound: a wave flows in; the same louder, later or noisier, or its spectrum, flows out."""

from .masking import FrequencyMasking, TimeMasking
from .spectra import MFCC, AmplitudeToDB, MelScale, MelSpectrogram, Spectrogram, mel_filters
from .waves import AddNoise, RandomGain, RandomShift, Vol

__all__ = ["MFCC", "AddNoise", "AmplitudeToDB", "FrequencyMasking", "MelScale", "MelSpectrogram",
           "RandomGain", "RandomShift", "Spectrogram", "TimeMasking", "Vol", "mel_filters"]
