"""Published systems, one file each, weight-compatible with the implementation people use."""

from .gpt import GPT, GPTConfig
from .memn2n import MemN2N
from .ntm import NeuralTuringMachine
from .resnet import BasicBlock, CifarResNet, resnet20
from .seq2seq import AdditiveAttention, Seq2Seq
from .tagger import BiLSTMTagger
from .textcnn import TextCNN
from .translator import PositionalEncoding, Translator

__all__ = ["GPT", "AdditiveAttention", "BasicBlock", "BiLSTMTagger", "CifarResNet", "GPTConfig",
           "MemN2N", "NeuralTuringMachine", "PositionalEncoding", "Seq2Seq", "TextCNN",
           "Translator", "resnet20"]
