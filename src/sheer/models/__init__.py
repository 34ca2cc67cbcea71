"""Published systems, one file each, weight-compatible with the implementation people use."""

from .captioner import Captioner
from .gpt import GPT, GPTConfig
from .memn2n import MemN2N
from .ntm import NeuralTuringMachine
from .resnet import BasicBlock, CifarResNet, resnet20
from .seq2seq import AdditiveAttention, AttendingWriter, Seq2Seq
from .tagger import BiLSTMTagger
from .textcnn import TextCNN
from .translator import PositionalEncoding, Translator

__all__ = ["GPT", "AdditiveAttention", "AttendingWriter", "BasicBlock", "BiLSTMTagger",
           "Captioner", "CifarResNet", "GPTConfig", "MemN2N", "NeuralTuringMachine",
           "PositionalEncoding", "Seq2Seq", "TextCNN", "Translator", "resnet20"]
