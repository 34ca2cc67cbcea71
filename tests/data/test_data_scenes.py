"""Boxes, masks and class folders, from folders and tars: what is read, and what is refused."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from sheer.data import DataLoader, ImageFolder, TextFolder, read_masks, read_voc
from sheer.data.transforms import ToTensor

BOX = "<object><name>{}</name><bndbox>{}</bndbox></object>"
SIDES = ("xmin", "ymin", "xmax", "ymax")


def picture(size=(8, 6), mode="RGB", value=3, kind="png"):
    out = io.BytesIO()
    Image.new(mode, size, value if mode != "RGB" else (value, 0, 255)).save(out, kind)
    return out.getvalue()


def note(*boxes):
    """An annotation of (class, x1, y1, x2, y2)."""
    objects = [BOX.format(name, "".join(f"<{s}>{v}</{s}>" for s, v in zip(SIDES, box, strict=True)))
               for name, *box in boxes]
    return f"<annotation>{''.join(objects)}</annotation>".encode()


def voc():
    return {"v/JPEGImages/a.png": picture(), "v/JPEGImages/b.png": picture((5, 4)),
            "v/Annotations/a.xml": note(("cat", 0, 1, 8, 6), ("dog", 2.5, 2, 3, 3)),
            "v/Annotations/b.xml": note(), "v/ImageSets/Main/train.txt": b"b\na\n"}


def masks():
    return {"m/images/train/a.jpg": picture(kind="jpeg"), "m/images/train/b.jpg": picture(),
            "m/labels/train/a.png": picture(mode="L"), "m/labels/train/b.png": picture(mode="P"),
            "m/images/val/c.jpg": picture(), "m/labels/val/c.png": picture(mode="L", value=0)}


def pack(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(params=["folder", "tar"])
def lay(request, tmp_path):
    """Write files below a folder, or into a tar."""
    def write(files):
        if request.param == "tar":
            path = tmp_path / "a.tar"
            path.write_bytes(pack(files))
            return path
        for name, data in files.items():
            place = tmp_path / "a" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return tmp_path / "a"
    return write


def test_boxes(lay):
    part, classes, skipped = read_voc(lay(voc()))
    assert (part.ids, classes, skipped) == (["a", "b"], ("cat", "dog"), 0)
    assert [x.shape for x in part.images] == [(3, 6, 8), (3, 4, 5)]
    assert part.images[0][:, 0, 0].tolist() == [3, 0, 255]
    assert part.boxes[0].tolist() == [[0, 1, 8, 6], [2.5, 2, 3, 3]]
    assert [x.shape for x in part.boxes] == [(2, 4), (0, 4)]
    assert [x.tolist() for x in part.labels] == [[0, 1], []]
    assert read_voc(lay(voc()), "train")[0].ids == ["b", "a"]
    assert part.take([1]).ids == ["b"]


@pytest.mark.parametrize(("box", "what", "got"), [
    ((2, 1, 2, 3), "has no area", "xmin 2, ymin 1, xmax 2, ymax 3"),
    ((5, 1, 2, 3), "has no area", "xmin 5, ymin 1, xmax 2, ymax 3"),
    ((-1, 1, 2, 3), "is not in the image", "xmin -1, ymin 1, xmax 2, ymax 3"),
    ((2, 1, 9, 3), "is not in the image", "xmin 2, ymin 1, xmax 9, ymax 3"),
    ((2, 1, "nan", 3), "is not in the image", "xmin 2, ymin 1, xmax nan, ymax 3")])
def test_boxes_that_are_none(lay, fails, lines, capsys, box, what, got):
    path = lay(voc() | {"v/Annotations/a.xml": note(("cat", 0, 1, 8, 6), ("dog", *box))})
    assert fails(read_voc, path) == lines(f"""
        {path.name}: a box of a {what}
          file : {path}
          row  : 2
          need : xmin < xmax within 0..8, ymin < ymax within 0..6
          got  : {got}
          try  : correct the annotation, or bad="skip"
          more : sheer explain E627""")
    part, _, skipped = read_voc(path, classes=("cat", "dog"), bad="skip")
    assert (len(part), len(part.boxes[0]), skipped) == (2, 1, 1)
    assert f"{path.name}: skipped 1 of 2 boxes" in capsys.readouterr().err


@pytest.mark.parametrize(("change", "code", "what"), [
    ({"v/Annotations/b.xml": None}, "E812", "b has no annotation"),
    ({"v/JPEGImages/b.png": None}, "E812", "b has no image"),
    ({"v/JPEGImages/b.png": b"<html>404</html>"}, "E808", "cannot be decoded"),
    ({"v/JPEGImages/b.png": picture()[:40]}, "E808", "cannot be decoded"),
    ({"v/Annotations/b.xml": b"<annotation>"}, "E804", "is no annotation"),
    ({"v/Annotations/b.xml": b"\xff\xfe"}, "E804", "is not text"),
    ({"v/Annotations/b.xml": note(("cat", 1, 1, "two", 2))}, "E804", "is no annotation"),
    ({"v/Annotations/b.xml": b"<a><object><name>x</name></object></a>"}, "E804",
     "is no annotation")])
def test_scenes_that_are_broken(lay, fails, change, code, what):
    files = {name: data for name, data in (voc() | change).items() if data is not None}
    path = lay(files)
    text = fails(read_voc, path, "train")
    assert what in text.splitlines()[0]
    assert "  row  : 1\n" in text
    assert text.endswith(f"sheer explain {code}")
    part, _, skipped = read_voc(path, "train", bad="skip")
    assert (part.ids, skipped) == (["a"], 1)


def test_an_annotation_that_would_grow_without_end(lay, fails):
    bomb = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><annotation>&c;</annotation>'
    assert "got  : a document type: entities may grow without end" in fails(
        read_voc, lay(voc() | {"v/Annotations/a.xml": bomb}))


def test_parts_and_classes_that_are_not_there(lay, fails):
    path = lay(voc())
    assert "need : one of train\n" in fails(read_voc, path, "val")
    text = fails(read_voc, path, classes=("cat",))
    assert "a box of a is of no known class" in text
    assert "got  : 'dog'" in text


def test_masks(lay):
    part, skipped = read_masks(lay(masks()), "train")
    assert (part.ids, skipped) == (["a", "b"], 0)
    assert (part.x.shape, part.masks.shape) == ((2, 3, 6, 8), (2, 6, 8))
    assert (part.x.dtype, part.masks.dtype) == (np.uint8, np.uint8)
    assert (part.masks[0] == 3).all()


@pytest.mark.parametrize(("change", "code", "what"), [
    ({"m/labels/train/b.png": None}, "E812", "b has no mask"),
    ({"m/images/train/b.jpg": None}, "E812", "b has no image"),
    ({"m/labels/train/b.png": picture((4, 6), "L")}, "E812", "has another size than its image"),
    ({"m/images/train/b.jpg": picture((9, 6)), "m/labels/train/b.png": picture((9, 6), "L")},
     "E812", "b has another size than the first image"),
    ({"m/labels/train/b.png": picture()}, "E808", "is no mask"),
    ({"m/labels/train/b.png": picture(mode="L")[:40]}, "E808", "cannot be decoded"),
    ({"m/labels/train/b.png": picture(mode="L", value=7)}, "E806",
     "has a pixel of no known class")])
def test_masks_that_are_broken(lay, fails, capsys, change, code, what):
    path = lay({name: data for name, data in (masks() | change).items() if data is not None})
    text = fails(read_masks, path, "train", values=4)
    assert what in text.splitlines()[0]
    assert text.endswith(f"sheer explain {code}")
    part, skipped = read_masks(path, "train", values=4, bad="skip")
    assert (part.ids, skipped) == (["a"], 1)
    assert "skipped 1 of 2 images" in capsys.readouterr().err


def test_a_file_that_went_away(tmp_path, fails, lines):
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "JPEGImages" / "a.png").write_bytes(picture())
    (tmp_path / "Annotations" / "a.xml").symlink_to(tmp_path / "nowhere")
    assert fails(read_voc, tmp_path) == lines(f"""
        a.xml cannot be read
          file : {tmp_path}/Annotations/a.xml
          need : a readable file
          got  : No such file or directory
          try  : check the path and the permissions
          more : sheer explain E801""")


def test_no_masks_at_all(lay, fails):
    assert "holds no images" in fails(read_masks, lay(masks()), "test")


# ---- archives that mean harm -------------------------------------------------------------------
def member(kind=tarfile.REGTYPE, name="v/JPEGImages/a.png", link="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


HARM = {
    "up": (member(name="../../etc/passwd"), "a name that leads out of the archive"),
    "up inside": (member(name="v/../../x.png"), "a name that leads out of the archive"),
    "absolute": (member(name="/etc/passwd"), "a name that leads out of the archive"),
    "drive": (member(name="C:\\windows\\x.png"), "a name that leads out of the archive"),
    "backslashes": (member(name="v\\..\\..\\x.png"), "a name that leads out of the archive"),
    "symbolic link": (member(tarfile.SYMTYPE, link="/etc/passwd"), "a link to /etc/passwd"),
    "hard link": (member(tarfile.LNKTYPE, link="../x"), "a link to ../x"),
    "device": (member(tarfile.CHRTYPE), "a device, a pipe or a sparse file"),
    "pipe": (member(tarfile.FIFOTYPE), "a device, a pipe or a sparse file")}


@pytest.mark.parametrize("name", list(HARM))
def test_archives_that_mean_harm(tmp_path, fails, lines, name):
    info, found = HARM[name]
    path = tmp_path / "a.tar"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(info)
    path.write_bytes(out.getvalue())
    for read in (read_voc, read_masks):
        assert fails(read, path) == lines(f"""
            a.tar: {info.name} is refused
              file : {path}
              row  : 1
              need : plain files and folders below the archive's own folder
              got  : {found}
              try  : do not use this archive; get one you can trust
              more : sheer explain E628""")
    assert list(tmp_path.iterdir()) == [path]


def test_a_sparse_member_that_claims_to_be_huge(tmp_path, fails):
    path = tmp_path / "a.tar"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = member(size=512)
        info.pax_headers = {"GNU.sparse.map": "0,512", "GNU.sparse.size": str(10**13)}
        archive.addfile(info, io.BytesIO(bytes(512)))
    path.write_bytes(out.getvalue())
    assert "a sparse file" in fails(read_voc, path)


def test_a_member_that_claims_to_be_larger_than_the_archive(tmp_path, fails):
    raw = bytearray(pack({"a": b"x" * 600}))
    raw[124:136] = b"77777777777\0"                       # 8 GB, with a header that sums up
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw[:512]):06o}\0 ".encode()
    path = tmp_path / "a.tar"
    path.write_bytes(raw)
    assert "E803" in fails(read_voc, path)


# ---- class folders -----------------------------------------------------------------------------
@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for place, value in (("cat/1.png", 1), ("cat/deep/2.PNG", 2), ("dog/1.png", 3)):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(picture(value=value))
    (root / "cat" / "notes.txt").write_text("not an image")
    return root


def test_an_image_folder(photos):
    data = ImageFolder(photos)
    assert (len(data), data.classes, data.targets) == (3, ["cat", "dog"], [0, 0, 1])
    assert data.class_to_idx == {"cat": 0, "dog": 1}
    assert data.imgs is data.samples
    image, label = data[-1]
    assert (image.size, image.mode, label) == ((8, 6), "RGB", 1)
    with pytest.raises(IndexError, match="there is no example 3"):
        data[3]
    loader = DataLoader(ImageFolder(photos, transform=ToTensor(), target_transform=lambda y: -y),
                        batch_size=3)
    x, y = next(iter(loader))
    assert (x.shape, y.tolist()) == ((3, 3, 6, 8), [0, 0, -1])
    np.testing.assert_allclose(x.numpy()[:, 0, 0, 0], np.float32([1, 2, 3]) / 255)


def test_a_broken_image_is_told_or_skipped(photos, fails, lines, capsys):
    path = photos / "dog" / "0.png"
    path.write_bytes(picture()[:40])
    assert fails(lambda: ImageFolder(photos)[2]).startswith(f"0.png cannot be decoded\n"
                                                            f"  file : {path}\n")
    data = ImageFolder(photos, bad="skip")
    assert (len(data), data.skipped) == (3, 1)
    assert "photos: skipped 1 of 4 images" in capsys.readouterr().err


def test_folders_that_are_no_class_folders(photos, tmp_path, fails, lines):
    (photos / "empty").mkdir()
    assert fails(ImageFolder, photos).startswith("the class folder empty holds no image\n")
    (photos / "empty").rmdir()
    assert ImageFolder(photos, classes=["dog", "cat"]).targets == [0, 1, 1]
    assert "a folder is of no known class" in fails(ImageFolder, photos, classes=["dog"])
    assert "has no class folders" in fails(TextFolder, photos / "dog")
    assert "the data folder does not exist" in fails(TextFolder, tmp_path / "nowhere")
