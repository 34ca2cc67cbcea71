"""Random numbers: known answers, exact repetition, independence, and their statistics."""

import math
from itertools import permutations

import numpy as np
import pytest
from evaluating import over_batch, run

from sheer.graph import dtype_of, float32, float64, int64, uint8
from sheer.ops import random
from sheer.ops.philox import philox_bits, philox_blocks
from sheer.ops.structure import constant

KEY = np.array([2024, 7])
MANY = 40_000
FLOATS = [float32, float64]


def draw(function, *args, key=KEY, **kwargs):
    return run(lambda k: function(k, *args, **kwargs), key)


def kolmogorov_smirnov(sample, cdf):
    """sqrt(n) times the largest distance between the two distribution functions."""
    x = np.sort(sample.astype(np.float64))
    want, n = np.vectorize(cdf)(x), len(x)
    above, below = np.arange(1, n + 1) / n - want, want - np.arange(n) / n
    return math.sqrt(n) * max(above.max(), below.max())


def follows(sample, cdf):
    """Would chance give a sample this far off less than once in 10 000 times? Then it does not."""
    return kolmogorov_smirnov(sample, cdf) < 2.23              # 2 exp(-2 * 2.23^2) = 1e-4


def chi_square_is_plausible(counts):
    """Within 4 standard deviations of what equal chances give (Wilson and Hilferty 1931)."""
    expected, freedom = counts.sum() / counts.size, counts.size - 1
    statistic = ((counts - expected) ** 2 / expected).sum() / freedom
    return abs(statistic ** (1 / 3) - (1 - 2 / (9 * freedom))) < 4 * math.sqrt(2 / (9 * freedom))


def phi(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


# ---- the bits ------------------------------------------------------------------------------------

@pytest.mark.parametrize(("counter", "key", "want"), [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1))])
def test_philox_gives_the_known_answers_of_random123(counter, key, want):
    assert philox_blocks(counter, key).reshape(-1).tolist() == list(want)


def test_uniform_is_made_of_the_words_as_documented():
    bits = philox_bits(8, 0, 0).astype(object)
    assert bits[0] == 0x6627E8D5
    single, double = (draw(random.uniform, (4,), dtype=d, key=np.array([0, 0])) for d in FLOATS)
    np.testing.assert_array_equal(single, [float(w >> 8) * 2.0**-24 for w in bits[:4]])
    np.testing.assert_array_equal(
        double, [float((high >> 5) * 2**26 + (low >> 6)) * 2.0**-53
                 for low, high in zip(bits[::2], bits[1::2], strict=True)])


def test_committed_numbers_stay_the_same_for_ever():
    assert draw(random.uniform, (3,)).tolist() == UNIFORM
    assert draw(random.permutation, 8).tolist() == PERMUTATION
    assert draw(random.split, 2).tolist() == KEYS
    assert draw(random.randint, -5, 5, (6,)).tolist() == INTEGERS


UNIFORM = [0.2795493006706238, 0.34660059213638306, 0.9307061433792114]
PERMUTATION = [3, 2, 0, 6, 4, 5, 1, 7]
KEYS = [[-108856672959011998, -1607777165153635125], [4761555943290286513, 1011240787981858913]]
INTEGERS = [-2, 1, -2, -4, 0, 1]


@pytest.mark.parametrize("function", [random.uniform, random.normal, random.exponential,
                                      random.truncated_normal])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_number_depends_on_its_key_and_its_place_only(function, dtype):
    short, long = draw(function, (5,), dtype=dtype), draw(function, (4, 30), dtype=dtype)
    np.testing.assert_array_equal(short, long.reshape(-1)[:5])
    assert long.dtype == dtype.numpy
    assert len(np.unique(long)) > 118
    for change in ([1, 0], [0, 1], [2**40, 0], [0, -8]):
        assert not (draw(function, (5,), dtype=dtype, key=KEY + np.array(change)) == short).any()


def test_a_batch_of_keys_gives_the_draws_of_each_key():
    keys = np.array([[1, 2], [3, 4], [-5, 2**62]])
    for function, args in [(random.uniform, ((2, 3),)), (random.normal, ((5,), 1.0, 2.0, float64)),
                           (random.permutation, (6,)), (random.randint, (0, 9, (4,))),
                           (random.split, (3,)), (random.bernoulli, (0.5, (7,)))]:
        (got,) = over_batch(lambda k, f=function, a=args: f(k, *a), keys)
        np.testing.assert_array_equal(got, np.stack([draw(function, *args, key=k) for k in keys]))


# ---- keys ----------------------------------------------------------------------------------------

def test_split_and_fold_in_agree_and_give_fresh_keys():
    keys = draw(random.split, 1000)
    assert keys.shape == (1000, 2)
    assert len(np.unique(keys)) == 2000
    np.testing.assert_array_equal(draw(random.fold_in, 3), keys[3])
    steps = run(random.fold_in, KEY, np.array([[3, 0], [-1, 999]]))
    np.testing.assert_array_equal(steps[0], keys[[3, 0]])
    np.testing.assert_array_equal(steps[1, 1], keys[999])
    first = np.stack([draw(random.uniform, (1,), key=k) for k in keys])
    assert follows(first[:, 0], lambda x: x)


def test_draws_from_keys_of_one_split_are_not_correlated():
    a, b = (draw(random.normal, (MANY,), key=k) for k in draw(random.split, 2))
    c = draw(random.normal, (MANY,))                           # from the parent itself
    for x, y in ((a, b), (a, c), (b, c), (a[1:], a[:-1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(MANY)


# ---- distributions -------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("function", "kwargs", "cdf", "moments"), [
    (random.uniform, {}, lambda x: x, (1 / 2, 1 / 12)),
    (random.uniform, {"low": -3, "high": 1}, lambda x: (x + 3) / 4, (-1, 16 / 12)),
    (random.normal, {}, phi, (0, 1)),
    (random.normal, {"mean": 3, "std": 0.5}, lambda x: phi((x - 3) / 0.5), (3, 0.25)),
    (random.exponential, {"rate": 2}, lambda x: 1 - math.exp(-2 * x), (0.5, 0.25)),
    (random.truncated_normal, {},
     lambda x: (phi(x) - phi(-2)) / (phi(2) - phi(-2)), (0, 0.7737413)),
    (random.truncated_normal, {"mean": 1, "std": 2, "low": 0, "high": 1},
     lambda x: (phi((x - 1) / 2) - phi(-0.5)) / (0.5 - phi(-0.5)), (0.51035, 0.083)),
])
def test_a_distribution_has_its_shape_mean_and_variance(function, kwargs, cdf, moments, dtype):
    mean, variance = moments
    x = draw(function, (MANY,), dtype=dtype, **kwargs)
    assert follows(x, cdf)
    assert abs(x.mean() - mean) < 4 * math.sqrt(variance / MANY) + 1e-4
    assert abs(x.var() - variance) < 0.05 * variance
    np.testing.assert_array_equal(x, draw(function, (MANY,), dtype=dtype, **kwargs))


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_never_reaches_its_upper_bound(dtype):
    x = draw(random.uniform, (MANY,), 1e6, 1e6 + 1, dtype=dtype)    # float32 has 16 values there
    assert x.min() >= 1e6
    assert x.max() < 1e6 + 1
    assert (draw(random.uniform, (3,), 2.0, 2.0, dtype=dtype) == 2).all()


def test_normal_and_exponential_are_finite_for_the_most_extreme_uniforms():
    for u, dtype in ((0.0, np.float32), (1 - 2**-24, np.float32), (1 - 2**-53, np.float64)):
        assert np.isfinite(np.log(1 - dtype(u)))


@pytest.mark.parametrize("p", [0, 0.1, 0.5, 1])
def test_bernoulli_is_true_with_probability_p(p):
    x = draw(random.bernoulli, p, (MANY,))
    assert x.dtype == bool
    assert abs(x.mean() - p) <= 4 * math.sqrt(p * (1 - p) / MANY)


def test_bernoulli_takes_a_probability_for_each_element():
    p = np.repeat([0.0, 0.25, 1.0], 4000)
    for array in (p, p.astype(np.float32)):
        x = draw(random.bernoulli, constant(array)).reshape(3, -1).mean(1)
        assert x[0] == 0
        assert abs(x[1] - 0.25) < 0.03
        assert x[2] == 1
    rows = draw(random.bernoulli, constant(np.array([0.0, 1.0])), (50, 2))
    np.testing.assert_array_equal(rows, [[False, True]] * 50)


@pytest.mark.parametrize("n", [2, 10, 97])
def test_randint_gives_each_value_equally_often(n):
    x = draw(random.randint, -3, n - 3, (MANY,))
    assert x.dtype == np.int64
    assert chi_square_is_plausible(np.bincount(x + 3, minlength=n))


def test_randint_stays_in_range_up_to_the_widest():
    wide = draw(random.randint, -2**52, 2**52, (MANY,))
    assert wide.min() >= -2**52
    assert wide.max() < 2**52
    assert len(np.unique(wide)) == MANY
    assert set(draw(random.randint, 0, 256, (MANY,), uint8).tolist()) == set(range(256))
    assert (draw(random.randint, 2**62, 2**62 + 1, (3,)) == 2**62).all()
    n, top = 3 * 2**51 + 1, 1 - 2.0**-53
    assert math.floor(top * n) < n                            # rounding does not reach the bound


def test_every_order_of_four_comes_equally_often():
    keys = draw(random.split, 6000)
    rows = run(lambda k: random.permutation(k, 4), keys)
    place = {order: i for i, order in enumerate(permutations(range(4)))}
    counts = np.bincount([place[tuple(r)] for r in rows.tolist()], minlength=24)
    assert chi_square_is_plausible(counts)


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_a_permutation_has_each_number_once(n):
    np.testing.assert_array_equal(np.sort(draw(random.permutation, n)), np.arange(n))


def test_shapes_without_elements_and_without_axes():
    assert draw(random.normal, (0, 3)).shape == (0, 3)
    assert draw(random.normal, ()).shape == ()
    assert dtype_of(draw(random.randint, 0, 2, ()).dtype) == int64
