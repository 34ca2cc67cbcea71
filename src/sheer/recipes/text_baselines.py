"""Simple ways to tasks of text, for comparison: tokens flow in, predictions of no network flow out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def bag_of_words(x: Ints, y: Ints, test: Ints, words: int, padding: int = 0,
                 penalty: float = 1.0, steps: int = 300) -> NDArray[np.float64]:
    """Logistic regression on which words a text has: scores of the test texts, above 0 for class 1.

    Minimises penalty / 2 |w|^2 + sum of log(1 + exp(-s)), by accelerated gradient descent.

    Shape   x (N, T), y (N,) of 0 and 1, test (M, T) -> (M,)
    Source  Nesterov 1983, restarted as O'Donoghue and Candes 2015, for the steps; the same function
            as scikit-learn's LogisticRegression with C = 1 / penalty
    """
    rows, columns = _present(x, padding)
    sign = 2.0 * y - 1
    v = np.ones(words + 1)               # towards the direction of the largest curvature
    for _ in range(20):
        v = _back(rows, columns, _forward(rows, columns, v, len(x)), words)
        size = np.linalg.norm(v)
        v /= size
    rate = 1 / (0.26 * size + penalty)
    w, before, since = np.zeros(words + 1), np.zeros(words + 1), 0
    for _ in range(steps):
        ahead = w + since / (since + 3) * (w - before)
        s = sign * _forward(rows, columns, ahead, len(x))
        pull = _back(rows, columns, -sign / (1 + np.exp(np.minimum(s, 500))), words)
        pull[:words] += penalty * ahead[:words]                       # the bias is free
        before, w = w, ahead - rate * pull
        since = 0 if pull @ (w - before) > 0 else since + 1           # uphill: gather speed anew
    return _forward(*_present(test, padding), w, len(test))


def _present(x: Ints, padding: int) -> tuple[Ints, Ints]:
    """Rows and words of what is there, each word once a row."""
    ordered = np.sort(x, 1)
    new = np.ones(x.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rows, places = np.nonzero(new & (ordered != padding))
    return rows, ordered[rows, places]


def _forward(rows: Ints, columns: Ints, w: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.bincount(rows, w[columns], n) + w[-1]
    return found


def _back(rows: Ints, columns: Ints, r: NDArray[np.float64], words: int) -> NDArray[np.float64]:
    return np.append(np.bincount(columns, r[rows], words), r.sum())


def word_dictionary(sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]],
                    rounds: int = 5) -> Mapping[str, str]:
    """The most probable translation of every word, from pairs of sentences.

    Source  Brown et al. 1993, The mathematics of statistical machine translation, model 1
    """
    ids: list[dict[str, int]] = [{}, {}]
    a: list[int] = []                    # of every pair of words: the source word,
    b: list[int] = []                    # the target word, and which target word of all it is
    owner: list[int] = []
    count = 0
    for source, target in zip(sources, targets, strict=True):
        left = [ids[0].setdefault(w, len(ids[0])) for w in source]
        right = [ids[1].setdefault(w, len(ids[1])) for w in target]
        a += left * len(right)
        b += [w for w in right for _ in left]
        owner += [count + i for i in range(len(right)) for _ in left]
        count += len(right)
    pair = np.array(a, np.int64) * len(ids[1]) + np.array(b, np.int64)
    kinds, which = np.unique(pair, return_inverse=True)
    place, source_of = np.array(owner, np.int64), kinds // len(ids[1])
    p = np.full(len(kinds), 1.0)
    for _ in range(rounds):
        share = p[which] / np.bincount(place, p[which])[place]  # of a target word, to its sources
        p = np.bincount(which, share, len(kinds))
        p = p / np.bincount(source_of, p)[source_of]
    words, best = list(ids[1]), np.lexsort((-p, source_of))
    first = best[np.unique(source_of[best], return_index=True)[1]]
    names = list(ids[0])
    return {names[source_of[i]]: words[kinds[i] % len(ids[1])] for i in first}


def usual_tags(tokens: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> dict[str, str]:
    """The most frequent tag of every word, in lower case, of some tagged sentences."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for words, labels in zip(tokens, tags, strict=True):
        for word, label in zip(words, labels, strict=True):
            found[word.lower()][label] += 1
    return {word: labels.most_common(1)[0][0] for word, labels in found.items()}


def ngram_nats(train: Ints, test: Ints, order: int, kinds: int) -> float:
    """Mean of -ln p(next | up to order - 1 before it), counts interpolated with shorter ones.

    p_n(c | h) = (count(h c) + followers(h) p_{n-1}(c | shorter h)) / (count(h) + followers(h))

    Source  Witten and Bell 1991, doi:10.1109/18.87000, method C, as Chen and Goodman 1999 have it
    """
    p = np.full(len(test), 1.0 / kinds)
    for n in range(1, order + 1):
        grams, counts = np.unique(_grams(train, n, kinds), return_counts=True)
        heads, start = np.unique(grams // kinds, return_index=True)
        total, followers = np.add.reduceat(counts, start), np.diff(np.append(start, len(grams)))
        asked = _grams(test, n, kinds)
        of_gram = _looked_up(grams, counts, asked)
        of_head, more = (_looked_up(heads, v, asked // kinds) for v in (total, followers))
        seen = of_head > 0
        rest = p[n - 1:]
        rest[seen] = ((of_gram + more * rest) / np.maximum(of_head + more, 1))[seen]
    return float(-np.log(p).mean())


def _grams(text: Ints, n: int, kinds: int) -> Ints:
    """Every n characters in a row, as one number."""
    length = len(text) - n + 1
    found = np.zeros(length, np.int64)
    for i in range(n):
        found = found * kinds + text[i:i + length]
    return found


def _looked_up(keys: Ints, values: Ints, asked: Ints) -> Ints:
    """The value of each key that is asked for; 0 where there is none."""
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, values[at], 0)
