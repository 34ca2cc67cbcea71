"""Pictures under transforms: identities, oracles, and boxes and masks that follow."""

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

import sheer
from sheer.data import transforms as T
from sheer.data.transforms import chance
from sheer.graph.errors import SheerError

AUGMENTATION = "Image augmentation: rotation, reflection, Gaussian blur, crop, colour, noise"
GEOMETRY = {
    "flip": T.RandomHorizontalFlip(1.0), "flop": T.RandomVerticalFlip(1.0),
    "crop": T.RandomCrop(24), "padded": T.RandomCrop((40, 34), padding=(3, 5)),
    "reflected": T.RandomCrop(32, padding=4, padding_mode="reflect"),
    "needed": T.RandomCrop((50, 20), pad_if_needed=True), "middle": T.CenterCrop((20, 44)),
    "pad": T.Pad((1, 2, 3, 4), fill=9), "small": T.Resize((17, 25)), "short": T.Resize(20),
    "part": T.RandomResizedCrop(28, scale=(0.3, 1.0)), "turn": T.RandomRotation(40),
    "expand": T.RandomRotation((30, 60), expand=True),
    "affine": T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10),
    "slant": T.RandomAffine(0, shear=(-10, 10, -20, 20)),
    "perspective": T.RandomPerspective(0.4, p=1.0),
}
COLOURS = {
    "jitter": T.ColorJitter(0.4, 0.4, 0.4, 0.2), "grey": T.RandomGrayscale(1.0),
    "invert": T.RandomInvert(1.0), "blur": T.GaussianBlur(5), "noise": T.GaussianNoise(),
    "erase": T.RandomErasing(1.0), "snow": T.RandomErasing(1.0, value="random"),
}


def photo(seed=0, high=36, wide=30, channels=3):
    """A smooth picture, bytes."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (5, 5, channels)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((wide, high), Image.Resampling.BICUBIC))




def drawn(transform, *args, seed=3):
    """The transform with the draws of a fixed place."""
    with chance.draw_on(seed, 0), chance.at(7):
        return transform(*args)


@pytest.mark.system(AUGMENTATION)
@pytest.mark.parametrize("name", ["flip", "flop"])
def test_flipping_twice_is_the_identity(name):
    flip, a = GEOMETRY[name], photo()
    assert (flip(a) != a).any()
    np.testing.assert_array_equal(flip(flip(a)), a)
    target = {"boxes": np.array([[1.0, 2, 8, 9]]), "mask": a[:, :, 0]}
    picture, back = flip(*flip(a, target))
    np.testing.assert_array_equal(picture, a)
    np.testing.assert_array_equal(back["boxes"], target["boxes"])
    np.testing.assert_array_equal(back["mask"], target["mask"])


@pytest.mark.system(AUGMENTATION)
@pytest.mark.parametrize("how", ["nearest", "bilinear"])
def test_turning_by_nothing_is_the_identity_and_by_quarters_exact(how):
    a = photo(high=32, wide=32)
    for still in (T.RandomRotation((0, 0), how), T.RandomAffine(0, interpolation=how),
                  T.RandomPerspective(0.0, p=1.0, interpolation=how), T.Resize(32),
                  T.RandomResizedCrop(32, (1, 1), (1, 1), how), T.ColorJitter(),
                  T.GaussianBlur(1)):
        np.testing.assert_array_equal(drawn(still, a), a)
    for quarter in range(-3, 5):
        turned = T.RandomRotation((90 * quarter, 90 * quarter), how)(a)
        np.testing.assert_array_equal(turned, np.rot90(a, quarter))
    wide = photo(high=20, wide=34)
    np.testing.assert_array_equal(T.RandomRotation((90, 90), how, expand=True)(wide),
                                  np.rot90(wide))


@pytest.mark.parametrize("angle", [13.0, -70.0, 200.0])
def test_turning_is_what_pil_does(angle):
    a = photo(high=41, wide=37)
    for how, pil in [("nearest", Image.Resampling.NEAREST), ("bilinear",
                                                             Image.Resampling.BILINEAR)]:
        want = np.asarray(Image.fromarray(a).rotate(angle, pil, fillcolor=(9, 9, 9)))
        got = T.RandomRotation((angle, angle), how, fill=9)(a)
        assert np.mean(np.abs(got.astype(int) - want) > 1) < 0.01


@pytest.mark.system(AUGMENTATION)
@pytest.mark.parametrize("name", GEOMETRY)
def test_boxes_and_masks_follow_the_picture(name):
    transform, seen = GEOMETRY[name], 0
    for seed in range(12):
        x1, y1 = np.random.default_rng(seed).integers(2, 12, 2)
        a = np.zeros((36, 30, 3), np.uint8)
        a[y1:y1 + 14, x1:x1 + 11] = 200
        target = {"boxes": np.array([[x1, y1, x1 + 11, y1 + 14]], np.float32),
                  "labels": [5], "mask": (a[:, :, 0] > 0).astype(np.int64)}
        new, moved = drawn(transform, a, target, seed=seed)
        np.testing.assert_array_equal(new, drawn(transform, a, seed=seed))
        assert moved["labels"] == [5]
        assert moved["mask"].shape == new.shape[:2]
        agree = (new[:, :, 0] > 100) == (moved["mask"] > 0)
        assert name == "reflected" or agree.mean() > 0.97           # edges are read differently
        rows, columns = np.nonzero(moved["mask"])
        if name == "reflected" or not len(rows):
            continue                                   # mirrored copies; or nothing is left
        seen += 1
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        # A corner may be narrower than a pixel there, and be missed by the mask.
        np.testing.assert_allclose(moved["boxes"][0], box, atol=2.0)
    assert seen >= 8 or name == "reflected"


@pytest.mark.system(AUGMENTATION)
@pytest.mark.parametrize("name", GEOMETRY)
def test_a_picture_is_changed_alike_whatever_it_is(name):
    a, transform = photo(), GEOMETRY[name]
    want = drawn(transform, a)
    pil = drawn(transform, Image.fromarray(a))
    np.testing.assert_array_equal(np.asarray(pil), want)
    t = drawn(transform, sheer.tensor(np.moveaxis(a, -1, 0)))
    np.testing.assert_array_equal(np.moveaxis(t.numpy(), 0, -1), want)
    grey = drawn(transform, a[:, :, 0])
    np.testing.assert_array_equal(grey, want[:, :, 0])


def test_kinds_of_targets():
    a, flip = photo(), T.RandomHorizontalFlip(1.0)
    mask = np.arange(36 * 30).reshape(36, 30) % 250
    boxes = [[1.0, 2, 5, 7]]
    palette = Image.fromarray(mask.astype(np.uint8), "L").convert("P")
    for given, read in [(mask, np.asarray), (sheer.tensor(mask), lambda m: m.numpy()),
                        (palette, np.asarray)]:
        _, new = flip(a, given)
        assert type(new) is type(given) or isinstance(new, Image.Image)
        np.testing.assert_array_equal(read(new), np.asarray(read(given))[:, ::-1])
    many = np.stack([mask, mask[::-1]])
    _, new = flip(Image.fromarray(a), {"boxes": boxes, "masks": many, "name": "x"})
    assert new["boxes"] == [[25.0, 2.0, 29.0, 7.0]]
    assert new["name"] == "x"
    np.testing.assert_array_equal(new["masks"], many[:, :, ::-1])
    _, new = flip(sheer.tensor(np.moveaxis(a, -1, 0)), {"boxes": sheer.tensor(boxes)})
    assert new["boxes"].tolist() == [[25.0, 2.0, 29.0, 7.0]]


def test_boxes_are_cut_off_at_the_edge_and_small_ones_left_out():
    a = np.zeros((40, 40, 3), np.uint8)
    target = {"boxes": np.array([[0, 0, 8, 8], [10, 10, 30, 30], [38, 5, 40, 39]]),
              "labels": np.array([1, 2, 3]), "name": "street"}
    picture, moved = T.Compose([T.CenterCrop(20), T.ToTensor()])(a, target)
    assert picture.shape == (3, 20, 20)
    assert moved["boxes"].tolist() == [[0, 0, 0, 0], [0, 0, 20, 20], [20, 0, 20, 20]]
    _, kept = T.SanitizeBoundingBoxes()(picture, moved)
    assert (kept["labels"].tolist(), kept["name"]) == ([2], "street")
    assert kept["boxes"].tolist() == [[0, 0, 20, 20]]


@pytest.mark.system(AUGMENTATION)
def test_brightness_contrast_and_saturation_are_pils():
    a = photo()
    for name, enhancer in [("brightness", ImageEnhance.Brightness),
                           ("contrast", ImageEnhance.Contrast), ("saturation", ImageEnhance.Color)]:
        for factor in (0.0, 0.4, 1.7):
            want = np.asarray(enhancer(Image.fromarray(a)).enhance(factor)).astype(int)
            got = T.ColorJitter(**{name: (factor, factor)})(a).astype(int)
            assert np.abs(got - want).max() <= 2, name


@pytest.mark.system(AUGMENTATION)
def test_the_hue_turns():
    a = photo().astype(np.float32) / 255
    got = T.ColorJitter(hue=(0.3, 0.3))(a)
    for row, column in [(0, 0), (10, 20), (35, 29), (17, 3)]:
        h, s, v = colorsys.rgb_to_hsv(*a[row, column].astype(float))
        np.testing.assert_allclose(got[row, column], colorsys.hsv_to_rgb((h + 0.3) % 1, s, v),
                                   atol=1e-5)
    grey = photo(channels=3)[:, :, :1].repeat(3, 2)
    np.testing.assert_array_equal(T.ColorJitter(hue=(0.3, 0.3))(grey), grey)


def test_grey_is_luma_and_inverting_twice_is_the_identity():
    a = photo()
    want = np.asarray(Image.fromarray(a).convert("L")).astype(int)
    assert np.abs(T.Grayscale()(a).astype(int) - want).max() <= 1
    assert T.Grayscale(3)(a).shape == a.shape
    assert T.Grayscale()(Image.fromarray(a)).mode == "L"
    invert = COLOURS["invert"]
    np.testing.assert_array_equal(invert(invert(a)), a)


@pytest.mark.parametrize("name", COLOURS)
def test_pictures_of_16_bits_are_as_bright_as_those_of_8(name):
    a = photo()
    deep = a.astype(np.uint16) * 257                    # 255 becomes 65535
    made = drawn(COLOURS[name], deep)
    assert made.dtype == np.uint16
    want = drawn(COLOURS[name], a).astype(np.float64)
    assert np.abs(made / 257 - want).max() <= 1         # a level of 8 bits


@pytest.mark.system(AUGMENTATION)
def test_blur_is_a_convolution_with_a_gaussian():
    a = np.random.default_rng(0).random((20, 22, 3)).astype(np.float32) * 4 - 2
    got = T.GaussianBlur((5, 7), 1.3)(a)
    x = torch.nn.functional.pad(torch.tensor(a).movedim(-1, 0)[:, None], (3, 3, 2, 2),
                                mode="reflect")
    kernels = []
    for k in (5, 7):
        t = torch.arange(k) - (k - 1) / 2
        kernels.append(torch.exp(-0.5 * (t / 1.3) ** 2) / torch.exp(-0.5 * (t / 1.3) ** 2).sum())
    want = torch.nn.functional.conv2d(x, torch.outer(*kernels)[None, None])[:, 0].movedim(0, -1)
    np.testing.assert_allclose(got, want.numpy(), atol=1e-5)


@pytest.mark.system(AUGMENTATION)
def test_noise_and_erasing_do_as_much_as_they_say():
    a = np.full((80, 80, 3), 0.5, np.float32)
    noisy = drawn(T.GaussianNoise(0.1, 0.05), a)
    assert abs(noisy.mean() - 0.6) < 0.002
    assert abs(noisy.std() - 0.05) < 0.002
    bytes_ = drawn(T.GaussianNoise(0.0, 0.05), np.full((80, 80), 128, np.uint8))
    assert bytes_.dtype == np.uint8
    assert abs(bytes_.std() - 0.05 * 255) < 0.5
    for seed in range(10):
        holes = drawn(T.RandomErasing(1.0, (0.1, 0.2), value=7.0), a, seed=seed) == 7
        assert 0.09 < holes.mean() < 0.21
        rows, columns = np.nonzero(holes[:, :, 0])
        assert holes[rows.min():rows.max() + 1, columns.min():columns.max() + 1].all()


@pytest.mark.parametrize("name", COLOURS)
def test_colours_leave_targets_alone_and_keep_the_kind(name):
    a, transform = photo(), COLOURS[name]
    target = {"boxes": np.array([[1.0, 2, 3, 4]])}
    new, same = drawn(transform, a, target)
    assert same is target
    assert (new.shape, new.dtype) == (a.shape, a.dtype)
    assert (new != a).any()
    pil = drawn(transform, Image.fromarray(a))
    np.testing.assert_array_equal(np.asarray(pil), new)
    floats = drawn(transform, sheer.tensor(np.moveaxis(a, -1, 0)).float() / 255)
    assert floats.dtype == sheer.float32
    if name not in ("noise", "snow"):
        np.testing.assert_allclose(np.moveaxis(floats.numpy(), 0, -1) * 255, new, atol=1.01)


def test_some_one_or_all_in_another_order():
    counts = {"a": 0, "b": 0}
    def count(name):
        def step(x):
            counts[name] += 1
            return x + name
        return step
    with chance.draw_on(0, 0):
        found = []
        for i in range(400):
            with chance.at(i):
                found.append((T.RandomApply([count("a"), count("b")], 0.25)(""),
                              T.RandomChoice([count("a"), count("b")], [3, 1])(""),
                              T.RandomOrder([count("a"), count("b")])("")))
    applied, chosen, ordered = ([f[k] for f in found] for k in range(3))
    assert 70 < applied.count("ab") < 130
    assert set(applied) == {"ab", ""}
    assert 260 < chosen.count("a") < 340
    assert 160 < ordered.count("ab") < 240
    assert set(ordered) == {"ab", "ba"}


@pytest.mark.parametrize(("code", "call"), [
    ("E423", lambda: T.RandomRotation(-3)),
    ("E423", lambda: T.RandomRotation(3, interpolation="cubic")),
    ("E423", lambda: T.RandomAffine(0, translate=(2, 0))),
    ("E423", lambda: T.RandomAffine(0, scale=(2, 1))),
    ("E423", lambda: T.RandomResizedCrop(8, scale=(0, 2))),
    ("E423", lambda: T.GaussianBlur(4)),
    ("E423", lambda: T.GaussianNoise(sigma=-1)),
    ("E423", lambda: T.ColorJitter(brightness=-1)),
    ("E423", lambda: T.ColorJitter(hue=0.7)),
    ("E423", lambda: T.Grayscale(2)),
    ("E423", lambda: T.RandomErasing(value="noise")),
    ("E423", lambda: T.RandomChoice([T.Grayscale()], [1, 2])),
    ("E423", lambda: T.Pad((1, 2, 3))),
    ("E423", lambda: T.Pad(1, padding_mode="wrap")),
    ("E424", lambda: T.ColorJitter(1)(photo().astype(np.int64))),
    ("E424", lambda: T.RandomInvert(1.0)(photo().astype(np.int16))),
    ("E424", lambda: T.GaussianNoise()(photo().astype(np.uint32))),
    ("E425", lambda: T.ColorJitter(1)(np.zeros((4, 4, 5), np.uint8))),
    ("E665", lambda: T.Pad(1)(photo(), {"boxes": [[1, 2, 3]]})),
    ("E665", lambda: T.Pad(1)(photo(), np.zeros((30, 36)))),
    ("E665", lambda: T.SanitizeBoundingBoxes()(photo(), {"labels": [1]})),
])
def test_what_cannot_be_done_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
