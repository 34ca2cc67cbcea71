"""The real public datasets, read as they are published; skipped where they are not."""

import numpy as np
import pytest

from sheer.data import load_arrays
from sheer.data.known.contents.images import CIFAR10
from sheer.data.preprocess import TableEncoder
from sheer.data.readers.image_tar import read_image_tar


def test_mnist(shared_data):
    data = load_arrays("mnist", shared_data)
    assert (data.train.x.shape, data.test.x.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
    np.testing.assert_array_equal(np.bincount(data.train.y), [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    np.testing.assert_array_equal(np.bincount(data.test.y), [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    assert round(float(data.train.x.mean()) / 255, 4) == 0.1307  # the mean everybody quotes


def test_cifar10_test_part(shared_data):
    x, y = read_image_tar(shared_data / "cifar10" / "test.tar", CIFAR10, (32, 32))
    assert x.shape == (5000, 3, 32, 32)
    np.testing.assert_array_equal(np.bincount(y), [500] * 10)
    np.testing.assert_allclose(x.mean((0, 2, 3)) / 255, [0.49, 0.48, 0.45], atol=0.01)


@pytest.mark.slow
def test_cifar10(shared_data, own_cache, capsys):
    data = load_arrays("cifar10", shared_data)
    assert (data.train.x.shape, data.test.x.shape) == ((25000, 3, 32, 32), (5000, 3, 32, 32))
    again = load_arrays("cifar10", shared_data)
    np.testing.assert_array_equal(data.train.x, again.train.x)
    assert capsys.readouterr().err.count("decoded train.tar once") == 1


def test_iris(shared_data):
    data = load_arrays("iris", shared_data)
    np.testing.assert_array_equal(np.bincount(data.train.y), [50] * 3)
    np.testing.assert_allclose(data.train.numeric.mean(0), [5.84, 3.05, 3.76, 1.20], atol=0.01)


def test_wine_quality(shared_data):
    data = load_arrays("wine-quality", shared_data)
    assert data.train.numeric.shape == (6497, 11)
    assert data.classes[data.train.y.min()] == "3"
    assert data.classes[data.train.y.max()] == "9"
    assert data.categorical_names == ("colour",)
    np.testing.assert_array_equal(np.unique(data.train.categorical, return_counts=True)[1],
                                  [1599, 4898])


def test_adult(shared_data):
    data = load_arrays("adult", shared_data)
    assert (len(data.train), len(data.test)) == (32561, 16281)
    np.testing.assert_array_equal(np.bincount(data.train.y), [24720, 7841])
    np.testing.assert_array_equal(np.bincount(data.test.y), [12435, 3846])
    assert data.numeric_names == ("age", "fnlwgt", "education-num", "capital-gain",
                                  "capital-loss", "hours-per-week")
    missing = dict(zip(data.categorical_names, (data.train.categorical == "").sum(0), strict=True))
    assert {k: int(v) for k, v in missing.items() if v} == {
        "workclass": 1836, "occupation": 1843, "native-country": 583}
    encoder = TableEncoder.fit(data)
    x, unknown = encoder(data.test)
    assert x.shape == (16281, 108) == (16281, len(encoder.names))
    assert not unknown.any()
    np.testing.assert_allclose(encoder(data.train)[0][:, :6].mean(0), 0, atol=1e-5)


def test_texts(shared_data):
    reviews = load_arrays("rt-polarity", shared_data)
    np.testing.assert_array_equal(np.bincount(reviews.train.y), [5331, 5331])
    assert reviews.train.texts[0] == "simplistic , silly and tedious ."
    captions = load_arrays("multi30k", shared_data)
    assert [len(p) for p in (captions.train, captions.validation, captions.test)] == [
        29000, 1014, 1000]
    assert captions.train.target[0].startswith("Zwei junge weiße Männer")
    assert captions.train.source[0].startswith("Two young, White males")
    tweets = load_arrays("wnut17", shared_data)
    parts = tweets.train, tweets.validation, tweets.test
    assert [len(p) for p in parts] == [3394, 1009, 1287]
    assert [sum(map(len, p.tokens)) for p in parts] == [62730, 15733, 23394]
    assert [sum(map(len, p.tags)) for p in parts] == [62730, 15733, 23394]
    assert len(tweets.tags) == 13
    assert len(load_arrays("tinyshakespeare", shared_data)) == 1_115_394
    assert len(load_arrays("republic", shared_data)) == 1_195_637


def test_spoken_digits(shared_data):
    data = load_arrays("fsdd", shared_data)
    assert (len(data.train), len(data.test), data.rate) == (900, 300, 8000)
    np.testing.assert_array_equal(np.bincount(data.test.y), [30] * 10)
    assert set(data.train.speakers) == set(data.test.speakers)
    lengths = [len(w) for part in (data.train, data.test) for w in part.waves]
    assert round(sum(lengths) / data.rate) == 524
    assert max(np.abs(w).max() for w in data.train.waves) <= 1


def test_series(shared_data):
    lengths = {name: len(load_arrays(name, shared_data))
               for name in ("airline", "temperatures", "sunspots", "pollution")}
    assert lengths == {"airline": 144, "temperatures": 3650, "sunspots": 2820, "pollution": 43824}
    airline = load_arrays("airline", shared_data)
    assert airline.column("Passengers")[:3].tolist() == [112, 118, 132]
    assert airline.times[1] - airline.times[0] == np.timedelta64(31, "D")
    dust = load_arrays("pollution", shared_data)
    assert dust.names == ("pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir")
    assert int(np.isnan(dust.column("pm2.5")).sum()) == 2067
    assert np.isnan(dust.column("pm2.5")[:24]).all()
    assert sorted(set(dust.categories[:, 0])) == ["NE", "NW", "SE", "cv"]
    assert (np.diff(dust.times) == np.timedelta64(1, "h")).all()


def test_tables_that_are_not_balanced(shared_data):
    np.testing.assert_array_equal(
        np.bincount(load_arrays("mammography", shared_data).train.y), [10923, 260])
    pima = load_arrays("pima", shared_data)
    np.testing.assert_array_equal(np.bincount(pima.train.y), [500, 268])
    assert dict(zip(pima.numeric_names, np.isnan(pima.train.numeric).sum(0).tolist(),
                    strict=True)) == {
        "pregnancies": 0, "glucose": 5, "blood pressure": 35, "skin thickness": 227,
        "insulin": 374, "body mass index": 11, "pedigree": 0, "age": 0}


def test_boxes(shared_data, capsys):
    cells = load_arrays("bccd", shared_data)
    parts = cells.train, cells.validation, cells.test
    assert [len(p) for p in parts] == [205, 87, 72]
    labels = np.concatenate([y for p in parts for y in p.labels])
    assert np.bincount(labels).tolist() == [4155 - 2, 372, 361]
    assert cells.skipped == 2                          # published with an area of zero
    told = capsys.readouterr().err
    assert "skipped 1 of 1138 boxes" in told
    assert "a box of BloodImage_00338 has no area, box 13: xmin 504, ymin 337" in told
    raccoons = load_arrays("raccoon", shared_data)
    assert [len(raccoons.train), len(raccoons.validation)] == [160, 40]
    assert sum(map(len, raccoons.train.boxes + raccoons.validation.boxes)) == 217
    for image, boxes in zip(raccoons.train.images, raccoons.train.boxes, strict=True):
        assert (boxes[:, 2:] <= [image.shape[2], image.shape[1]]).all()


def test_masks(shared_data):
    roads = load_arrays("camvid", shared_data)
    parts = roads.train, roads.validation, roads.test
    assert [p.x.shape for p in parts] == [(n, 3, 180, 240) for n in (367, 101, 233)]
    assert [p.masks.shape for p in parts] == [(n, 180, 240) for n in (367, 101, 233)]
    share = np.bincount(np.concatenate([p.masks.ravel() for p in parts])) / (701 * 180 * 240)
    assert len(share) == len(roads.classes) + 1 == roads.ignore + 1
    np.testing.assert_allclose(share[[3, 10, 11]], [0.29, 0.005, 0.036], atol=0.01)
