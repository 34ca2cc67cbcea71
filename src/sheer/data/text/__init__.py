"""Text: strings flow in, numbers of tokens in arrays of one length flow out, and back."""

from .buckets import Buckets, BucketSampler, bucketed
from .codec import Codec
from .keywords import TfIdf, topics
from .padding import pad
from .tokenisers import BytePairs, Characters, Tokeniser, Words
from .vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

__all__ = ["END", "PADDING", "START", "UNKNOWN", "BucketSampler", "Buckets", "BytePairs",
           "Characters", "Codec", "TfIdf", "Tokeniser", "Vocabulary", "Words", "bucketed", "pad",
           "topics"]
