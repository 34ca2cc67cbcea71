"""Tokenisers, vocabularies, codecs, padding: round trips, settings, whole error texts."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sheer
from sheer import nn
from sheer.data.text import (
    END,
    PADDING,
    START,
    UNKNOWN,
    BytePairs,
    Characters,
    Codec,
    Vocabulary,
    Words,
    pad,
)
from sheer.graph.errors import ArgumentError, DataError, SheerError, StateError

TEXTS = ["The cat sat on the mat, the cat!", "Ein Mann läuft über die Straße.", "a  b\n\tc "]
BYTES = BytePairs.train(TEXTS * 3, 300, (PADDING, UNKNOWN, START, END))
TOKENISERS = {"characters": Characters(), "words": Words(), "as they stand": Words(r"\S+"),
              "with hyphens": Words(r"\w+(?:[-']\w+)*"), "bytes": BYTES}
HARD = ["", " ", "  a", "a ", "a\u2003b", "\uffed", "a \uffedb", "a\uffed \uffed\uffedb", "don't",
        "\r\n\r\n", "日本語 テキスト", "e\u0301 \U0001f600", "<pad> <unk>"]


@pytest.mark.system("Natural language processing toolkit (tokenise, vocabulary, embed)")
@pytest.mark.parametrize("name", TOKENISERS)
@given(text=st.one_of(st.sampled_from(HARD), st.text(
    st.characters(codec="utf-8") | st.sampled_from(" \n\uffed'-ab"), max_size=30)))
def test_what_is_split_can_be_joined_again(name, text):
    tokeniser = TOKENISERS[name]
    if name == "bytes" and any(s in text for s in BYTES.specials):
        return                                  # a special token stands for itself alone
    assert tokeniser.join(tokeniser.split(text)) == text


@pytest.mark.system("Natural language processing toolkit (tokenise, vocabulary, embed)")
@pytest.mark.parametrize("name", TOKENISERS)
def test_text_goes_through_numbers_and_back(name):
    tokeniser = TOKENISERS[name]
    known = BYTES.vocabulary if name == "bytes" else Vocabulary.build(
        [tokeniser.split(t) for t in TEXTS], specials=(PADDING, UNKNOWN, START, END))
    codec = Codec(tokeniser, known, start=True, end=True)
    numbers = codec.batch(TEXTS)
    assert numbers.dtype == np.int64
    assert (numbers[:, 0] == known[START]).all()
    assert [codec.decode(row) for row in numbers] == TEXTS


@pytest.mark.system("Natural language processing toolkit (tokenise, vocabulary, embed)")
def test_numbers_go_through_an_embedding_as_in_torch():
    numbers = Codec(BYTES, BYTES.vocabulary).batch(TEXTS)
    table = np.random.default_rng(0).normal(size=(len(BYTES.vocabulary), 5)).astype(np.float32)
    mine, theirs = nn.Embedding(*table.shape, padding_idx=0), torch.nn.Embedding(*table.shape, 0)
    mine.load_state_dict({"weight": sheer.tensor(table)})
    theirs.load_state_dict({"weight": torch.tensor(table)})
    a, b = mine(sheer.tensor(numbers)), theirs(torch.tensor(numbers))
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    (a * a).sum().backward()
    (b * b).sum().backward()
    np.testing.assert_allclose(mine.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-5)


def test_words_mark_what_follows_without_a_space():
    assert Words().split("It's 5 o'clock.\nGo") == ["It", "￭'", "￭s", "5", "o", "￭'", "￭clock",
                                                    "￭.", "\n", "Go"]
    assert Words(lower=True).split("It Is") == ["it", "is"]


def test_the_most_frequent_come_first_and_the_rare_are_unknown():
    known = Vocabulary.build([list("abbccc"), list("cdd")], min_count=2, max_size=4)
    assert known.tokens == (PADDING, UNKNOWN, "c", "b")       # b before d, which is as frequent
    assert known.encode("abcd") == [1, 3, 2, 1]
    assert known.decode(np.array([2, 0])) == ["c", PADDING]
    assert known.pad == 0
    assert "b" in known
    assert "a" not in known
    assert list(known) == list(known.tokens)


def test_a_vocabulary_comes_back_from_its_file(tmp_path):
    known = Vocabulary.build(["größer", "日本"])
    known.save(tmp_path / "v.json")
    again = Vocabulary.load(tmp_path / "v.json")
    assert again == known
    assert hash(again) == hash(known)
    assert json.loads((tmp_path / "v.json").read_text())["unknown"] == UNKNOWN
    assert again != Vocabulary(known.tokens)


def test_byte_pairs_come_back_from_their_file(tmp_path):
    BYTES.save(tmp_path / "b.json")
    again = BytePairs.load(tmp_path / "b.json")
    assert again.vocabulary == BYTES.vocabulary
    assert [again.split(t) for t in TEXTS] == [BYTES.split(t) for t in TEXTS]
    assert again.vocabulary.pad == 0


def test_byte_pairs_join_what_is_frequent():
    tokens = BytePairs.train(["low lower lowest"] * 5, 300).split("lowest")
    assert len(tokens) < len("lowest")
    assert BYTES.vocabulary.tokens[:4] == (PADDING, UNKNOWN, START, END)


def test_padding_fills_up_or_cuts():
    assert pad([[1, 2, 3], [4]], 9, 2, cut=True).tolist() == [[1, 2], [4, 9]]
    assert pad([]).shape == (0, 0)
    with pytest.raises(SheerError) as error:
        pad([[1], [1, 2, 3]], length=2)
    assert str(error.value) == """pad: sequence 1 has 3 tokens
  need : at most length=2
  try  : length=3
  try  : cut=True
  more : sheer explain E692"""


def test_decoding_stops_at_the_end():
    known = Vocabulary([PADDING, START, END, "a", "b"], padding=PADDING)
    assert Codec(Characters(), known).decode([1, 3, 4, 2, 3, 3, 0]) == "ab"


def test_padding_under_another_name_is_left_out():
    codec = Codec(Characters(), Vocabulary(["[PAD]", *"abc"], padding="[PAD]"))
    assert codec.batch(["cab", "a"]).tolist() == [[3, 1, 2], [1, 0, 0]]
    assert codec.decode([1, 0, 0]) == "a"


@pytest.mark.parametrize("use", [
    lambda known: Codec(Characters(), known, start=True).encode("ab"),
    lambda known: Codec(Characters(), known, end=True).encode("ab"),
    lambda known: Codec(Characters(), known).batch(["ab", "a"]), lambda known: known.pad])
def test_the_unknown_token_stands_for_no_special_one(use):
    with pytest.raises(SheerError) as error:
        use(Vocabulary([UNKNOWN, *"ab"], unknown=UNKNOWN))
    assert error.value.code == "E690"


@pytest.mark.parametrize(("make", "text"), [
    (lambda: Vocabulary(["a", "b", "a"]), """Vocabulary: the token 'a' is given twice
  need : each token once
  more : sheer explain E693"""),
    (lambda: Vocabulary(["a"], unknown="?"), """Vocabulary: unknown='?' is not a token of it
  need : unknown among the tokens, or None
  more : sheer explain E693"""),
    (lambda: Vocabulary.build([], 0), """Vocabulary: these settings leave nothing
  min_count: 0
  max_size : None
  need     : min_count >= 1, max_size >= the number of special tokens
  more     : sheer explain E693"""),
    (lambda: Vocabulary(["a"])["b"], """Vocabulary: there is no token 'b'
  need : one of its 1 tokens, or an unknown token
  try  : the specials ('<unk>', ...)
  more : sheer explain E690"""),
    (lambda: Vocabulary([UNKNOWN], unknown=UNKNOWN).pad, """Vocabulary: there is no token '<pad>'
  need : '<pad>' among its 1 tokens: one of the specials
  more : sheer explain E690"""),
    (lambda: Vocabulary(["a"]).decode([0, 7]), """Vocabulary: there is no token number 7
  need : 0 <= number < 1
  more : sheer explain E690"""),
    (lambda: Words("("), r"""Words: the pattern '(' does not compile
  error: missing ), unterminated subpattern at position 0
  need : a regular expression, flags as in (?i:...)
  more : sheer explain E693"""),
    (lambda: Words("(?i)[a-z]+"), r"""Words: the pattern '(?i)[a-z]+' does not compile
  error: global flags not at the start of the expression at position 4
  need : a regular expression, flags as in (?i:...)
  more : sheer explain E693"""),
    (lambda: Words(r"\w*"), r"""Words: the pattern '\\w*' matches no word
  need : a pattern of at least one character, none of them a space
  more : sheer explain E693"""),
    (lambda: BytePairs.train(["a"], 100), """BytePairs: size=100 does not hold every byte
  need : size >= 258
  more : sheer explain E693"""),
])
def test_a_wrong_setting_or_token_is_explained(make, text):
    with pytest.raises((ArgumentError, SheerError)) as error:
        make()
    assert str(error.value) == text


@pytest.mark.parametrize("load", [Vocabulary.load, BytePairs.load])
@pytest.mark.parametrize("body", [None, "", "[]", "{}", '{"tokens": 3, "unknown": 0}', "\xff"])
def test_a_file_that_is_something_else_is_refused(load, body, tmp_path):
    path = tmp_path / "file.json"
    if body is not None:
        path.write_bytes(body.encode("latin-1"))
    with pytest.raises(DataError, match="E691") as error:
        load(path)
    assert str(path) in str(error.value)


def test_without_the_package_byte_pairs_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(StateError) as error:
        BytePairs.train(["a"], 300)
    assert str(error.value) == """BytePairs: the package tokenizers is not installed
  need : pip install "sheer[text]"
  more : sheer explain E694"""
