"""What recipes are compared with: bags of words, dictionaries, counts of characters, topics."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import NMF
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sheer.data import load_arrays
from sheer.data.text import TfIdf, Words, topics
from sheer.graph.errors import ArgumentError
from sheer.recipes.text_baselines import bag_of_words, ngram_nats, usual_tags, word_dictionary

DOCUMENTS = ["the cat sat on the mat and the cat slept", "a dog and a cat ran",
             "stocks and bonds fell", "the market fell as stocks and shares fell",
             "dogs and cats slept on the mat"]
TOKENS = [d.split() for d in DOCUMENTS]


def test_bags_of_words_find_the_optimum_of_scikit_learn():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 40, (150, 12)), rng.integers(0, 2, 150)
    x[:, 8:] *= rng.integers(0, 2, (150, 4))                     # padding, and words twice a row
    test = rng.integers(0, 40, (20, 9))
    bags = lambda rows: np.array([np.isin(np.arange(1, 40), row) for row in rows], float)
    best = LogisticRegression(tol=1e-10, max_iter=5000).fit(bags(x), y)
    np.testing.assert_allclose(bag_of_words(x, y, test, 40, steps=2000),
                               best.decision_function(bags(test)), atol=1e-4)


def test_a_dictionary_finds_the_words_that_go_together():
    english = ["the house", "the book", "a book", "a house", "the red house"]
    german = ["das Haus", "das Buch", "ein Buch", "ein Haus", "das rote Haus"]
    found = word_dictionary([t.split() for t in english], [t.split() for t in german], 20)
    assert found == {"the": "das", "house": "Haus", "book": "Buch", "a": "ein", "red": "rote"}


def test_the_usual_tag_of_a_word_ignores_its_case():
    found = usual_tags([["Rome", "is", "old"], ["rome", "rome"]],
                       [["B-location", "O", "O"], ["O", "B-location"]])
    assert found == {"rome": "B-location", "is": "O", "old": "O"}


def test_counts_give_the_probabilities_of_the_paper():
    rng = np.random.default_rng(0)
    train, test, kinds = rng.integers(0, 3, 200), rng.integers(0, 4, 50), 4
    followers: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for n in range(3):
        for i in range(n, len(train)):
            followers[tuple(train[i - n:i])][train[i]] += 1

    def p(c: int, before: tuple[int, ...]) -> float:
        shorter = p(c, before[1:]) if before else 1 / kinds
        seen = followers.get(before, Counter())
        total, different = sum(seen.values()), len(seen)
        return (seen[c] + different * shorter) / (total + different) if total else shorter

    wanted = [-np.log(p(c, tuple(test[max(i - 2, 0):i]))) for i, c in enumerate(test)]
    assert ngram_nats(train, test, 3, kinds) == pytest.approx(np.mean(wanted), rel=1e-12)
    assert sum(p(c, (0, 1)) for c in range(kinds)) == pytest.approx(1)


# ---- keywords and topics -------------------------------------------------------------------------

@pytest.mark.parametrize("least", [1, 2])
def test_weights_of_words_equal_scikit_learn(least):
    theirs = TfidfVectorizer(analyzer=str.split, min_df=least)
    wanted = theirs.fit_transform(DOCUMENTS).toarray()
    mine = TfIdf.fit(TOKENS, least)
    assert list(mine.vocabulary) == theirs.get_feature_names_out().tolist()
    np.testing.assert_allclose(mine(TOKENS), wanted, rtol=1e-12)
    assert not mine([["unseen"]]).any()


def test_keywords_are_the_words_of_the_greatest_weight():
    model = TfIdf.fit(TOKENS)
    assert model.keywords(TOKENS[3], 2) == ["fell", "as"]
    assert model.keywords([], 3) == []


def test_topics_fit_as_well_as_those_of_scikit_learn():
    weights = TfIdf.fit(TOKENS)(TOKENS)
    shares, words = topics(weights, 2, 500)
    assert (shares >= 0).all()
    assert (words >= 0).all()
    theirs = NMF(2, solver="mu", init="random", max_iter=2000, tol=0, random_state=0)
    left = theirs.fit_transform(weights)
    best = np.linalg.norm(weights - left @ theirs.components_)
    assert np.linalg.norm(weights - shares @ words) <= best * 1.02
    errors = [np.linalg.norm(weights - np.matmul(*topics(weights, 2, n))) for n in (1, 5, 20, 80)]
    assert errors == sorted(errors, reverse=True)
    assert shares[2:4].argmax(1).tolist() != shares[:2].argmax(1).tolist()


@pytest.mark.parametrize(("make", "first"), [
    (lambda: TfIdf.fit(TOKENS, 9), "TfIdf: no word is left"),
    (lambda: topics(-np.ones((3, 3)), 2), "topics: 2 topics of 3 documents"),
    (lambda: topics(np.ones((3, 3)), 4), "topics: 4 topics of 3 documents")])
def test_settings_that_leave_nothing_are_refused(make, first):
    with pytest.raises(ArgumentError) as error:
        make()
    assert str(error.value).splitlines()[0] == first
    assert error.value.code == "E693"


@pytest.mark.system("Text classification, text mining")
def test_keywords_of_the_republic_name_what_its_parts_are_about(shared_data: Path, figure):
    words = Words(r"[^\W\d_]+", lower=True)
    tokens = [t for t in words.split(load_arrays("republic", shared_data).text) if t[0].isalpha()]
    parts = [tokens[i:i + 10_000] for i in range(0, len(tokens), 10_000)]
    model = TfIdf.fit(parts, min_documents=2, max_share=0.5)
    found = {word for part in parts for word in model.keywords(part, 12)}
    known = {"den", "gyges", "guardians", "tyrant", "oligarchy", "cave", "thrasymachus", "er"}
    assert len(found & known) >= 4, found
    figure(f"The Republic: {', '.join(sorted(found & known))} among the keywords of its parts")
