"""Published systems, one file each, weight-compatible with the implementation people use."""

from .boltzmann import RestrictedBoltzmannMachine
from .captioner import Captioner
from .ensemble import Ensemble
from .gmdh import GMDH
from .gpt import GPT, GPTConfig
from .handwriting import StepDensity, StrokeWriter, stroke_loss
from .memn2n import MemN2N
from .ntm import NeuralTuringMachine
from .perceptron import Perceptron
from .regression import LinearRegression, LogisticRegression
from .resnet import BasicBlock, CifarResNet, resnet20
from .seq2seq import AdditiveAttention, AttendingWriter, Seq2Seq
from .tagger import BiLSTMTagger
from .textcnn import TextCNN
from .translator import PositionalEncoding, Translator

__all__ = ["GMDH", "GPT", "AdditiveAttention", "AttendingWriter", "BasicBlock", "BiLSTMTagger",
           "Captioner", "CifarResNet", "Ensemble", "GPTConfig", "LinearRegression",
           "LogisticRegression", "MemN2N", "NeuralTuringMachine", "Perceptron",
           "PositionalEncoding", "RestrictedBoltzmannMachine", "Seq2Seq", "StepDensity",
           "StrokeWriter", "TextCNN", "Translator", "resnet20", "stroke_loss"]
