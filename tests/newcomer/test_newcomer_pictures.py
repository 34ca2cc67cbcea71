"""Pictures and transforms: arrays, PIL images and tensors alike; batches equal single items."""

import itertools
import time

import numpy as np
import pytest
from newcomer_helpers import SHARED, small_mnist
from PIL import Image

import sheer
from sheer.data import DataLoader, Subset, datasets, transforms
from sheer.data.errors import DataError
from sheer.graph.errors import SheerError
from sheer.random import manual_seed

T = transforms
RNG = np.random.default_rng(0)
GREY, COLOUR = (RNG.integers(0, 256, s).astype(np.uint8) for s in ((9, 7), (9, 7, 3)))


def kinds(array):
    """The same picture as array, PIL image and tensor with channels first."""
    return {"array": array, "pil": Image.fromarray(array),
            "tensor": sheer.tensor(np.moveaxis(array, -1, 0) if array.ndim == 3 else array)}


def back(picture):
    """Any kind as an array (H, W) or (H, W, C)."""
    if isinstance(picture, sheer.Tensor):
        return np.moveaxis(picture.numpy(), 0, -1) if picture.ndim == 3 else picture.numpy()
    return np.asarray(picture)


@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_to_tensor_takes_pil_images_and_arrays(array):
    torch = pytest.importorskip("torch")
    planes = array if array.ndim == 3 else array[:, :, None]
    want = torch.from_numpy(planes).permute(2, 0, 1).float().div(255).numpy()
    for kind in ("array", "pil"):
        found = T.ToTensor()(kinds(array)[kind])
        assert found.dtype == sheer.float32
        np.testing.assert_array_equal(found.numpy(), want)


def test_normalize_is_that_of_torch():
    torch = pytest.importorskip("torch")
    x = RNG.random((3, 4, 5)).astype(np.float32)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    parts = [torch.tensor(v).view(-1, 1, 1) for v in (mean, std)]
    want = torch.from_numpy(x).sub(parts[0]).div(parts[1]).numpy()
    np.testing.assert_array_equal(T.Normalize(mean, std)(sheer.tensor(x)).numpy(), want)
    np.testing.assert_array_equal(T.Normalize(mean, std)(sheer.tensor(x[None])).numpy()[0], want)


GEOMETRY = {
    "flip": (T.RandomHorizontalFlip(1.0), lambda a: a[:, ::-1]),
    "no flip": (T.RandomHorizontalFlip(0.0), lambda a: a),
    "center crop": (T.CenterCrop((5, 3)), lambda a: a[2:7, 2:5]),
    "center crop pads": (T.CenterCrop(11), lambda a: np.pad(a, ((1, 1), (2, 2), (0, 0))[:a.ndim])),
    "whole crop": (T.RandomCrop((9, 7)), lambda a: a),
    "resize": (T.Resize((4, 6)), lambda a: np.asarray(Image.fromarray(a).resize((6, 4), 2))),
    "shorter side": (T.Resize(14), lambda a: np.asarray(Image.fromarray(a).resize((14, 18), 2))),
}


@pytest.mark.parametrize("kind", ["array", "pil", "tensor"])
@pytest.mark.parametrize("name", GEOMETRY)
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_geometry_by_definition_and_the_kind_stays(array, name, kind):
    transform, want = GEOMETRY[name]
    given = kinds(array)[kind]
    found = transform(given)
    assert isinstance(found, type(given) if kind != "pil" else Image.Image)
    np.testing.assert_array_equal(back(found), want(array))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_random_crop_gives_every_window_of_the_padded_picture(mode):
    crop = T.RandomCrop(4, padding=(1, 2), padding_mode=mode)
    small = GREY[:4, :4]
    padded = np.pad(small, ((2, 2), (1, 1)), mode=mode)
    windows = {padded[i:i + 4, j:j + 4].tobytes() for i in range(5) for j in range(3)}
    manual_seed(0)
    assert {crop(small).tobytes() for _ in range(400)} == windows


@pytest.mark.parametrize("make", [
    lambda: T.RandomHorizontalFlip(1.5), lambda: T.Resize(0),
    lambda: T.RandomCrop(3, padding_mode="wrap")])
def test_settings_out_of_range(make):
    with pytest.raises(SheerError) as caught:
        make()
    assert caught.value.code == "E423"


MISTAKES = {
    "E421": [lambda: T.Normalize((0.5,), (0.0,)),
             lambda: T.Normalize((0.5,), (0.5,))(sheer.tensor(GREY)),
             lambda: T.Normalize((0.5, 0.5), (0.5, 0.5))(sheer.zeros(3, 2, 2))],
    "E422": [lambda: T.RandomCrop(10)(GREY)],
    "E424": [lambda: T.ToTensor()([1, 2]), lambda: T.ToTensor()(sheer.zeros(1, 2, 2)),
             lambda: T.Resize(3)("picture.png")],
    "E425": [lambda: T.ToTensor()(np.zeros(3, np.uint8))],
}


@pytest.mark.parametrize(("code", "number"),
                         [(c, i) for c, v in MISTAKES.items() for i in range(len(v))])
def test_mistakes_by_code(code, number):
    with pytest.raises(SheerError) as caught:
        MISTAKES[code][number]()
    assert caught.value.code == code
    assert str(caught.value).endswith(f"sheer explain {code}")


# ---- datasets -----------------------------------------------------------------------------------

PIPELINES = {
    "bytes": [T.ToTensor()],
    "normalised": [T.ToTensor(), T.Normalize((0.1307,), (0.3081,))],
    "augmented": [T.RandomCrop(8, padding=2), T.RandomHorizontalFlip(), T.ToTensor(),
                  T.Normalize(0.5, 0.25), T.Normalize(0.1, 2.0)],
    "nested": [T.Compose([T.CenterCrop(6), T.ToTensor()]), T.Normalize((0.1,), (0.2,))],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_batches_are_bit_for_bit_what_items_are(name):
    digits = datasets.DigitsUCI(transform=T.Compose(PIPELINES[name]))
    rows = [5, 0, -1, 5]
    with T.draw_on(seed=3, epoch=4):
        x, y = digits.batch(rows)
        for i, r in enumerate(rows):
            picture, label = digits[r]
            np.testing.assert_array_equal(picture.numpy(), x[i])
            assert label == y[i]


def test_the_table_is_what_pil_gives_item_by_item():
    slow = T.Compose([T.Lambda(lambda p: p), *PIPELINES["normalised"]])     # Lambda: no fast path
    fast = T.Compose(PIPELINES["normalised"])
    a, b = datasets.DigitsUCI(transform=slow), datasets.DigitsUCI(transform=fast)
    assert a.batch([0]) is None
    x, y = (next(iter(DataLoader(d, 64))) for d in (a, b))
    np.testing.assert_array_equal(x[0].numpy(), y[0].numpy())
    np.testing.assert_array_equal(x[1].numpy(), y[1].numpy())


def test_augmentation_is_a_function_of_seed_epoch_and_item():
    augmented = T.Compose([T.RandomCrop(8, padding=2), T.RandomHorizontalFlip(), T.ToTensor()])
    digits = datasets.DigitsUCI(transform=augmented)
    item_by_item = datasets.DigitsUCI(transform=T.Compose([*augmented.transforms[:2],
                                                           T.Lambda(T.ToTensor())]))
    def epochs(dataset, **options):
        loader = DataLoader(dataset, 32, shuffle=True, seed=1, **options)
        return [np.concatenate([x.numpy() for x, _ in itertools.islice(loader, 3)])
                for _ in range(2)]
    first, second = epochs(digits)
    assert (first != second).any()
    for other in (epochs(digits, num_workers=3), epochs(item_by_item, num_workers=2)):
        np.testing.assert_array_equal(other[0], first)
        np.testing.assert_array_equal(other[1], second)


def test_items_as_torchvision_gives_them(tmp_path):
    small_mnist(tmp_path / "MNIST" / "raw", rows=(30, 10))
    mnist = datasets.MNIST(tmp_path, train=False)
    picture, label = mnist[3]
    assert isinstance(picture, Image.Image)
    assert (picture.mode, picture.size, type(label), len(mnist)) == ("L", (28, 28), int, 10)
    assert (mnist.data.shape, mnist.data.dtype, mnist.targets.shape) == ((10, 28, 28), sheer.uint8,
                                                                         (10,))
    assert mnist.class_to_idx["7"] == 7
    shifted = datasets.MNIST(tmp_path, transform=lambda p: p.size, target_transform=lambda y: -y)
    assert shifted[0] == ((28, 28), -int(shifted.labels[0]))
    with pytest.raises(IndexError):
        mnist[10]
    assert len(Subset(mnist, [1, 2])) == 2


def test_a_dataset_that_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("SHEER_DATA", raising=False)
    monkeypatch.setattr("sheer.data.datasets.pictures.cache_folder", lambda: tmp_path / "cache")
    for kind in (datasets.MNIST, datasets.CIFAR10, datasets.FashionMNIST):
        with pytest.raises(DataError) as caught:
            kind(tmp_path / "none")
        assert caught.value.code == "E801"


def test_fashion_lies_under_its_own_folder(tmp_path):
    small_mnist(tmp_path / "FashionMNIST" / "raw", rows=(5, 5))
    assert datasets.FashionMNIST(tmp_path).classes[9] == "Ankle boot"


# ---- the machine --------------------------------------------------------------------------------

def test_questions_about_accelerators_have_true_answers():
    assert not sheer.cuda.is_available()
    assert sheer.cuda.device_count() == 0
    assert not sheer.accelerator.is_available()
    assert sheer.accelerator.current_accelerator() is None
    assert not hasattr(sheer.cuda, "Stream")
    from sheer import backends
    assert not backends.mps.is_available()
    backends.cudnn.benchmark = True
    place = sheer.device("cuda:1")
    assert (place.type, place.index, str(place)) == ("cuda", 1, "cuda:1")
    assert sheer.device("cpu") == sheer.device(sheer.device("cpu"))
    for wrong in ("gpu", "cuda:x"):
        with pytest.raises(SheerError) as caught:
            sheer.device(wrong)
        assert caught.value.code == "E615"
    with pytest.raises(SheerError), sheer.device("cuda"):
        pass


def test_the_old_addresses_work():
    from sheer.utils.data import DataLoader as moved
    assert moved is DataLoader is sheer.utils.data.DataLoader
    assert sheer.utils.checkpoint.checkpoint is sheer.checkpoint


@pytest.mark.slow
def test_a_loader_over_mnist_is_not_slower_than_torchs(script):
    if not (SHARED / "mnist").is_dir():
        pytest.skip("needs the public datasets")
    pytest.importorskip("torch")
    seconds = {}
    for module in (script("sheer"), script("torch")):
        both = module.transforms.Compose([module.transforms.ToTensor(),
                                          module.transforms.Normalize((0.1307,), (0.3081,))])
        loader = module.torch.utils.data.DataLoader(module.datasets.MNIST(SHARED, transform=both),
                                                    64)
        times = []
        for _ in range(3):
            began = time.perf_counter()
            assert sum(1 for _ in loader) == 938
            times.append(time.perf_counter() - began)
        seconds[module.__name__] = min(times)
    assert seconds["mnist_sheer"] < seconds["mnist_torch"]
