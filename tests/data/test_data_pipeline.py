"""From files to batches: one loader for each kind of data, the same bits each time, no fault lost.

The samples are made here: a table, images, sounds and texts of two classes.
"""

import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

from sheer.data import (
    AudioFolder,
    DataLoader,
    ImageFolder,
    TensorDataset,
    TextFolder,
    as_table,
    read_conll,
    read_frame,
    read_masks,
    read_npy,
    read_npz,
    read_parallel,
    read_series,
    read_voc,
    read_wav,
)
from sheer.data.errors import DataError
from sheer.data.preprocess import TableEncoder
from sheer.data.readers.idx import read_idx
from sheer.data.transforms import Compose, RandomHorizontalFlip, ToTensor

CLASSES = ("high", "low")


def wav(samples):
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(samples))
    return b"RIFF" + struct.pack("<I", len(body) + len(samples)) + body + samples


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def sample(tmp_path):
    """A folder with ten examples of each kind."""
    rng = np.random.default_rng(0)
    rows = ["size,colour,class"]
    for i in range(10):
        label = i % 2
        name = CLASSES[label]
        colour = "red" if rng.random() < 0.5 else "blue"
        rows.append(f"{rng.normal() / 4 + 2 * label:.3f},{colour},{name}")
        pixels = rng.integers(0, 128, (8, 8, 3), np.uint8) + np.uint8(120 * label)
        tone = np.sin(np.arange(400) * (0.1 + 0.4 * label)) * 20_000
        files = {f"images/{name}/{i}.png": png(pixels),
                 f"sounds/{name}/{i}.wav": wav(tone.astype("<i2").tobytes()),
                 f"texts/{name}/{i}.txt": f"number {i} is {name}\n".encode()}
        for place, data in files.items():
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_bytes(data)
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def table(folder):
    arrays = as_table(read_frame(folder / "table.csv"), target="class")
    x, _ = TableEncoder.fit(arrays)(arrays.train)
    return TensorDataset(x, arrays.train.y)


def images(folder):
    return ImageFolder(folder / "images", Compose([RandomHorizontalFlip(), ToTensor()]))


def sounds(folder):
    return AudioFolder(folder / "sounds", rate=4000)


def texts(folder):
    counts = lambda text: np.bincount(np.frombuffer(text.encode(), np.uint8), minlength=128)
    return TextFolder(folder / "texts", transform=lambda text: counts(text).astype(np.float32))


KINDS = {"table": (table, (10, 3)), "images": (images, (10, 3, 8, 8)),
         "sounds": (sounds, (10, 200)), "texts": (texts, (10, 128))}


def digest(loader, epochs=2):
    """The SHA-256 of every byte of every batch."""
    found = hashlib.sha256()
    for _ in range(epochs):
        for x, y in loader:
            found.update(x.numpy().tobytes() + y.numpy().tobytes())
    return found.hexdigest()


@pytest.mark.system("Structured and unstructured inputs (tables, images, audio, text)")
@pytest.mark.parametrize("kind", list(KINDS))
def test_one_loader_for_each_kind_of_input(sample, kind):
    make, shape = KINDS[kind]
    x, y = next(iter(DataLoader(make(sample), batch_size=10)))
    assert x.shape == shape
    assert x.dtype.name == "float32"
    assert sorted(y.tolist()) == [0] * 5 + [1] * 5
    flat = x.numpy().reshape(10, -1)
    means = [flat[y.numpy() == k].mean(0) for k in (0, 1)]
    assert np.abs(means[0] - means[1]).max() > 0.01       # the two classes can be told apart


@pytest.mark.system("Structured and unstructured inputs (tables, images, audio, text)")
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_network_learns_from_each_kind(sample, kind):
    from sheer import nn, optim
    from sheer.random import manual_seed
    from sheer.train import evaluate, fit
    make, shape = KINDS[kind]
    manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 16), nn.Tanh(),
                          nn.Linear(16, 2))
    data = DataLoader(make(sample), batch_size=5, shuffle=True, seed=0)
    fit(model, data, loss=nn.CrossEntropyLoss(), epochs=60, progress=False,
        optimizer=optim.Adam(model.parameters(), lr=0.02))
    known = evaluate(model, DataLoader(make(sample), batch_size=10), loss=nn.CrossEntropyLoss(),
                     metrics=["accuracy"])
    assert known["accuracy"] == 1


@pytest.mark.system("Data pipeline")
@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_bytes_with_any_number_of_workers(sample, kind):
    make, _ = KINDS[kind]
    found = {digest(DataLoader(make(sample), batch_size=4, shuffle=True, seed=3, num_workers=w))
             for w in (0, 1, 3)}
    assert len(found) == 1
    assert digest(DataLoader(make(sample), batch_size=4, shuffle=True, seed=4)) not in found


# The faults: what is done to which file, which reader meets it, which page the error names.
def cut(raw):
    return raw[:len(raw) // 2]


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def saved(save, *arrays, **named):
    out = io.BytesIO()
    save(out, *arrays, **named)
    return out.getvalue()


PIXELS = np.zeros((6, 8, 3), np.uint8)
NOTE = "<a><object><name>cat</name><bndbox><xmin>{}</xmin><ymin>1</ymin><xmax>4</xmax>" \
       "<ymax>3</ymax></bndbox></object></a>"
PICTURE = png(PIXELS)
voc = lambda left, picture=PICTURE: tar({"JPEGImages/a.png": picture,
                                         "Annotations/a.xml": NOTE.format(left).encode()})
mask = lambda values, picture=PICTURE: tar({"images/a.png": picture, "labels/a.png": values})
IDX = bytes([0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4])
NPY = saved(np.save, np.arange(5.0))
boxes = lambda path: read_voc(path, classes=("cat",))
pairs = lambda path: read_parallel(path, path.with_name("other"))
months = lambda path: read_series(path, "Month")
FAULTS = {
    "table: empty": (b"", read_frame, "E802"),
    "table: only empty lines": (b"\n\n", read_frame, "E802"),
    "table: a column too many": (b"a,b\n1,2\n1,2,3\n", read_frame, "E805"),
    "table: a column too few": (b"a,b\n1,2\n1\n", read_frame, "E805"),
    "table: an unpaired quote": (b'a,b\n1,"2\n', read_frame, "E805"),
    "table: not UTF-8": ("a,b\n1,ä\n".encode("latin-1"), read_frame, "E804"),
    "table: a label that is missing": (
        b"a,class\n1,x\n2,?\n", lambda p: as_table(read_frame(p), "class"), "E806"),
    "table: an unknown class": (
        b"a,class\n1,x\n2,y\n", lambda p: as_table(read_frame(p), "class", ["x"]), "E806"),
    "table: no such target": (b"a,b\n1,2\n", lambda p: as_table(read_frame(p), "class"), "E634"),
    "idx: cut short": (IDX[:-1], read_idx, "E803"),
    "idx: too long": (IDX + b"x", read_idx, "E803"),
    "idx: wrong magic": (b"\1" + IDX[1:], read_idx, "E804"),
    "npy: cut short": (NPY[:-3], read_npy, "E803"),
    "npy: wrong magic": (b"x" + NPY[1:], read_npy, "E804"),
    "npy: a pickle": (saved(np.save, np.array([{}], object)), read_npy, "E631"),
    "npz: a byte flipped": (saved(np.savez, x=np.arange(500)).replace(b"\x07", b"\x08", 1),
                            read_npz, "E804"),
    "npz: cut short": (cut(saved(np.savez, x=np.arange(500))), read_npz, "E804"),
    "sound: cut short": (wav(bytes(80))[:-10], read_wav, "E803"),
    "sound: wrong magic": (b"x" + wav(bytes(80))[1:], read_wav, "E804"),
    "sound: no samples": (wav(b""), read_wav, "E632"),
    "sound: compressed": (wav(bytes(80)).replace(struct.pack("<HH", 1, 1),
                                                 struct.pack("<HH", 85, 1), 1), read_wav, "E632"),
    "boxes: outside of the image": (voc(-3), boxes, "E627"),
    "boxes: without area": (voc(4), boxes, "E627"),
    "boxes: NaN": (voc("nan"), boxes, "E627"),
    "boxes: no number": (voc("one"), boxes, "E804"),
    "boxes: an unknown class": (voc(1).replace(b"<name>cat", b"<name>cow"), boxes, "E806"),
    "boxes: an image that is none": (voc(1, b"<html>"), boxes, "E808"),
    "boxes: an image cut short": (voc(1, cut(png(PIXELS))), boxes, "E808"),
    "boxes: an annotation without image": (
        tar({"Annotations/a.xml": NOTE.format(1).encode()}), boxes, "E812"),
    "boxes: an archive cut short": (voc(1)[:1300], boxes, "E803"),
    "boxes: no archive": (b"<html>" * 100, boxes, "E804"),
    "boxes: a name that leads out": (tar({"../a.png": b""}), boxes, "E628"),
    "masks: a number that is no class": (
        mask(png(np.full((6, 8), 9, np.uint8))), lambda p: read_masks(p, values=4), "E806"),
    "masks: another size": (mask(png(np.zeros((6, 9), np.uint8))), read_masks, "E812"),
    "masks: in colour": (mask(png(PIXELS)), read_masks, "E808"),
    "masks: none for an image": (tar({"images/a.png": png(PIXELS)}), read_masks, "E812"),
    "tags: a column too few": (b"Ann\tO\nsleeps\n", read_conll, "E805"),
    "tags: an unknown tag": (b"Ann\tperson\n", read_conll, "E806"),
    "tags: no sentence": (b"\n\n", read_conll, "E802"),
    "pairs: a line too many": (b"a\nb\nc\n", pairs, "E812"),
    "pairs: an empty line": (b"a\n\n", pairs, "E812"),
    "pairs: not UTF-8": (b"a\n\xff\n", pairs, "E804"),
    "series: a time that is none": (b"Month,v\n1949-01,1\nlater,2\n", months, "E633"),
    "series: times out of order": (b"Month,v\n1949-02,1\n1949-01,2\n", months, "E633"),
    "series: a time twice": (b"Month,v\n1949-01,1\n1949-01,2\n", months, "E633")}


@pytest.mark.system("Data pipeline")
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_planted_fault_is_caught(tmp_path, fault):
    raw, read, code = FAULTS[fault]
    path = tmp_path / "file"
    path.write_bytes(raw)
    (tmp_path / "other").write_text("one\ntwo\n")
    with pytest.raises(DataError) as caught:
        read(path)
    text = str(caught.value)
    assert caught.value.code == code
    assert "\n  need : " in text or "\n  got  : " in text
    assert "\n  try  : " in text


@pytest.mark.system("Data pipeline")
def test_how_many_faults_are_planted(figure):
    figure(f"{len(FAULTS)} kinds of planted faults, all caught; SHA-256 of all batches equal for "
           "0, 1 and 3 workers")
    assert len(FAULTS) >= 40
