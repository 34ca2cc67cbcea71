"""BLEU equals sacrebleu, spans equal seqeval; perplexity and exact match by hand."""

import gzip
import warnings

import numpy as np
import pytest
import sacrebleu
from seqeval import metrics as seqeval

from sheer import metrics
from sheer.graph.errors import SheerError


def sentences(seed, count=60):
    """Sentences with signs and numbers, and two worse versions of each."""
    rng = np.random.default_rng(seed)
    words = ["a", "man", "the", "dog's", "runs,", "fast.", "3.5", "1,000", "(or", "not)", "U.S.",
             "it's", "e-mail", "5-6", "\"quoted\"", "&amp;", "end!", "hm...", "x/y", "über"]
    def worse(text):
        kept = [w if rng.random() > 0.25 else rng.choice(words) for w in text]
        return kept[:len(kept) - int(rng.integers(0, 3))]
    base = [[str(w) for w in rng.choice(words, rng.integers(4, 14))] for _ in range(count)]
    join = lambda texts: [" ".join(t) for t in texts]
    return join(map(worse, base)), [join(base), join(map(worse, base))]


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_bleu_equals_sacrebleu(figure):
    worst = 0.0
    for seed in range(8):
        said, wanted = sentences(seed)
        for references in (wanted, wanted[:1]):
            for lower in (False, True):
                got = metrics.corpus_bleu(said, references, lowercase=lower)
                want = sacrebleu.corpus_bleu(said, references, lowercase=lower)
                worst = max(worst, abs(got.score - want.score))
                np.testing.assert_allclose(got.precisions, want.precisions, rtol=1e-9)
                assert (got.hypothesis_length, got.reference_length) == (want.sys_len, want.ref_len)
    assert worst < 1e-6
    figure(f"BLEU within {worst:.0e} of sacrebleu")


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_bleu_on_real_captions_equals_sacrebleu(shared_data):
    read = lambda path: gzip.decompress(path.read_bytes()).decode().splitlines()[:300]
    lines = read(next((shared_data / "multi30k").glob("*test*en*")))
    said = [" ".join(line.split()[::-1] if i % 5 == 0 else line.split()[1:])
            for i, line in enumerate(lines)]
    np.testing.assert_allclose(metrics.corpus_bleu(said, [lines]).score,
                               sacrebleu.corpus_bleu(said, [lines]).score, atol=1e-6)


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_bleu_by_hand_and_at_the_edges():
    # 6 words, of which 5 agree; pairs 3 of 5, triples 2 of 4, fours 1 of 3; same length
    got = metrics.corpus_bleu(["the cat sat on the mat"], [["the cat sat on a mat"]])
    by_hand = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    np.testing.assert_allclose(got.score, by_hand, rtol=1e-12)
    for said, wanted in [(["a b"], [["a b c d"]]), (["x"], [["y"]]), ([""], [["y"]]),
                         (["a b c x d"], [["a b c d"]]), (["same same"], [["same same"]])]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = sacrebleu.corpus_bleu(said, wanted).score
            plain = sacrebleu.corpus_bleu(said, wanted, smooth_method="none").score
        np.testing.assert_allclose(metrics.corpus_bleu(said, wanted).score, want, atol=1e-9)
        np.testing.assert_allclose(
            metrics.corpus_bleu(said, wanted, smooth_method="none").score, plain, atol=1e-9)


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_spans_equal_seqeval_on_every_kind_of_disorder():
    rng = np.random.default_rng(0)
    tags = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-PER", "S-LOC", "I", "B"]
    draw = lambda n: [[str(t) for t in rng.choice(tags, k)] for k in n]
    for size in (8, 10):
        lengths = rng.integers(1, 12, 80)
        true = draw(lengths)
        said = [[t if rng.random() < 0.6 else str(rng.choice(tags[:size])) for t in s]
                for s in true]
        for average in ("micro", "macro", "weighted"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                want = seqeval.f1_score(true, said, average=average)
            np.testing.assert_allclose(metrics.span_f1(true, said, average=average), want,
                                       rtol=1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p, r = seqeval.precision_score(true, said), seqeval.recall_score(true, said)
        scores = metrics.span_scores(true, said)
        np.testing.assert_allclose([scores.precision, scores.recall], [p, r], rtol=1e-12)


@pytest.mark.system("BLEU, exact match, span F1, perplexity")
def test_spans_perplexity_and_exact_match_by_hand():
    true = [["B-PER", "I-PER", "O", "B-LOC"]]
    said = [["B-PER", "O", "O", "B-LOC"]]
    scores = metrics.span_scores(true, said)
    assert (scores.precision, scores.recall, scores.f1, scores.support) == (0.5, 0.5, 0.5, 2)
    assert (scores.types["LOC"].f1, scores.types["PER"].f1) == (1.0, 0.0)
    logs = np.log([[0.5, 0.25], [0.125, 0.9]])
    np.testing.assert_allclose(metrics.perplexity(logs, [[1, 1], [1, 0]]), 4.0, rtol=1e-12)
    assert metrics.exact_match([[1, 2], [3]], [[1, 2], [4]]) == 0.5


@pytest.mark.parametrize(("code", "call"), [
    ("E674", lambda: metrics.corpus_bleu("a b", ["a b"])),
    ("E674", lambda: metrics.corpus_bleu([], [])),
    ("E671", lambda: metrics.corpus_bleu(["a"], [["a"]], tokenize="zh")),
    ("E676", lambda: metrics.spans_of(["X-PER"])),
    ("E676", lambda: metrics.spans_of(["PER-B"])),
    ("E670", lambda: metrics.span_scores([["O"]], [["O", "O"]])),
    ("E670", lambda: metrics.exact_match([], [])),
    ("E673", lambda: metrics.perplexity([0.25, 0.5])),
    ("E670", lambda: metrics.perplexity([-0.25], [True, False])),
    ("E671", lambda: metrics.perplexity([-0.25], [False])),
])
def test_what_cannot_be_scored_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
