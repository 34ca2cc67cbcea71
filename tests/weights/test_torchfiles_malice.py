"""Files made to harm, and broken ones: refused with a clear error, and nothing was executed."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from torchfiles_forge import FOUR, Calls, archive, attack, overlapping, tensor_pickle

import sheer
from sheer.graph.errors import DataError, SheerError


class Alarm:
    """Python tells of every call into the system, every import, every piece of code compiled or
    run, and every name a pickle looks up; while a file is loaded there must be none.
    """

    EVENTS = ("os.", "subprocess.", "exec", "compile", "import", "pickle.", "marshal.", "code.",
              "ctypes.", "socket.", "shutil.", "object.__setattr__")

    def __init__(self):
        self.armed, self.rung = False, []
        sys.addaudithook(self)                       # for the rest of the process: it is off

    def __call__(self, event, arguments):
        if self.armed and event.startswith(self.EVENTS):
            self.rung.append((event, repr(arguments)[:200]))


ALARM = Alarm()


def refused(body: bytes, tmp_path) -> str:
    """The text of the error, without the file's folder. Nothing else may have happened."""
    path = tmp_path / "model.pt"
    path.write_bytes(body)
    with contextlib.suppress(DataError):             # all that is imported late, is now
        sheer.load(path)
    ALARM.armed, ALARM.rung = True, []
    try:
        with pytest.raises(DataError) as caught:
            sheer.load(path)
    finally:
        ALARM.armed = False
    assert ALARM.rung == []
    assert not (tmp_path / "pwned").exists()
    return str(caught.value).replace(str(tmp_path), "FOLDER")


def test_the_alarm_rings(tmp_path):
    """What Python's own unpickler does with such a file is noticed."""
    ALARM.armed, ALARM.rung = True, []
    pickle.loads(pickle.dumps(Calls(eval, "1 + 1"), protocol=2))
    ALARM.armed = False
    assert {event for event, _ in ALARM.rung} >= {"pickle.find_class", "compile", "exec"}


def executed_by_pickle(body: bytes, folder) -> bool:
    """Does Python's own unpickler run the attack? So we know that it is one."""
    code = ("import pickle, sys, zipfile, io; body = open(sys.argv[1], 'rb').read(); "
            "body = zipfile.ZipFile(io.BytesIO(body)).read('archive/data.pkl') "
            "if body[:2] == b'PK' else body\n"
            "try: pickle.loads(body)\nexcept Exception: pass")
    (folder / "attack").write_bytes(body)
    subprocess.run([sys.executable, "-c", code, "attack"], cwd=folder, check=True,
                   capture_output=True)
    return (folder / "pwned").exists()


WRITE = "open('pwned', 'w').write('x')"
ATTACKS = {
    "os.system": lambda: attack(os.system, "touch pwned"),
    "eval": lambda: attack(eval, WRITE),
    "exec, protocol 4": lambda: attack(exec, WRITE, protocol=4),
    "a chain of calls": lambda: attack(getattr, Calls(__import__, "os"), "system"),
    "inside a state dict": lambda: archive(pickle.dumps(
        {"weight": [1.0, {"bias": Calls(eval, WRITE)}]}, protocol=2)),
    "an object built": lambda: archive(b"\x80\x02c__builtin__\nexec\n(X" + struct.pack(
        "<I", len(WRITE)) + WRITE.encode() + b"tR."),
    "INST": lambda: archive(b"(X" + struct.pack("<I", len(WRITE)) + WRITE.encode()
                            + b"i__builtin__\nexec\n."),
    "OBJ": lambda: archive(b"(c__builtin__\nexec\nX" + struct.pack("<I", len(WRITE))
                           + WRITE.encode() + b"o."),
    "a pickle alone": lambda: pickle.dumps(Calls(eval, WRITE), protocol=2),
    "a pickle alone, protocol 4": lambda: pickle.dumps(Calls(eval, WRITE), protocol=4),
}
NAMED = {"os.system": "posix.system", "eval": "__builtin__.eval",
         "exec, protocol 4": "builtins.exec", "a chain of calls": "__builtin__.getattr",
         "inside a state dict": "__builtin__.eval", "an object built": "__builtin__.exec",
         "INST": "__builtin__.exec", "OBJ": "__builtin__.exec",
         "a pickle alone": "__builtin__.eval", "a pickle alone, protocol 4": "builtins.eval"}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_in_a_file_is_executed(name, tmp_path):
    assert refused(ATTACKS[name](), tmp_path) == f"""\
load: the file asks for {NAMED[name]}, which is no data
  file : FOLDER/model.pt
  need : tensors, numbers, texts; dicts, lists, tuples and sets of them. Nothing was executed
  more : sheer explain E831"""

@pytest.mark.parametrize("name", [n for n in ATTACKS if n != "a chain of calls"])
def test_those_files_do_harm_elsewhere(name, tmp_path):
    assert executed_by_pickle(ATTACKS[name](), tmp_path)
    (tmp_path / "pwned").unlink()


def test_a_whole_model_in_place_of_its_weights(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 1), tmp_path / "whole")
    assert refused((tmp_path / "whole").read_bytes(), tmp_path) == """\
load: the file asks for torch.nn.modules.linear.Linear, which is no data
  file : FOLDER/model.pt
  need : tensors, numbers, texts; dicts, lists, tuples and sets of them. Nothing was executed
  try  : torch.save(model.state_dict(), path) where the model was made
  more : sheer explain E831"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_of_torchscript(tmp_path):
    torch = pytest.importorskip("torch")
    torch.jit.script(torch.nn.Linear(2, 1)).save(str(tmp_path / "script"))
    assert refused((tmp_path / "script").read_bytes(), tmp_path) == """\
load: the file is a TorchScript program, which is no data
  file : FOLDER/model.pt
  need : a state dict
  try  : torch.save(torch.jit.load(path).state_dict(), other)
  more : sheer explain E831"""


@pytest.mark.parametrize(("pickled", "asked"), [
    (b"\x80\x02cnumpy\nload\n.", "numpy.load"),
    (b"\x80\x02ctorch\nload\n.", "torch.load"),
    (b"\x80\x02ctorch._utils\n_rebuild_qtensor\n.", "torch._utils._rebuild_qtensor"),
    (b"\x80\x02ctorch\nComplexFloatStorage\n.", "torch.ComplexFloatStorage"),
    (b"\x80\x02c" + b"a" * 5000 + b"\nb\n.", "a" * 100),
])
def test_other_names_are_refused_by_name(pickled, asked, tmp_path):
    assert refused(archive(pickled), tmp_path).startswith(f"load: the file asks for {asked}")


@pytest.mark.parametrize("pickled", [
    b"\x80\x02X\x01\x00\x00\x00a)R.",                 # a text is called
    b"\x80\x02ctorch\nSize\nN}b.",                    # a state for something that takes none
    b"\x80\x02ctorch\nSize\n)\x81.",                  # an object of a known name
    b"\x80\x02\x82\x01.",                             # an extension code
    b"\x80\x02ctorch\nFloatStorage\n)R.",             # a storage is called
    b"Pa persistent text\n.",
])
def test_instructions_that_are_no_data(pickled, tmp_path):
    assert "sheer explain E831" in refused(archive(pickled), tmp_path)


# ---- archives ------------------------------------------------------------------------------------

def test_a_zip_bomb(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("archive/data.pkl", tensor_pickle((2**26,), (1,), count=2**26))
        made.writestr("archive/data/0", bytes(2**28))
    assert len(stream.getvalue()) < 300_000
    said = refused(stream.getvalue(), tmp_path)
    packed = re.search(r"packed: ([\d,]+) bytes", said).group(1)       # zlib's versions differ
    assert said == f"""\
load: this archive is not safe to read: archive/data/0 is packed: {packed} bytes become 268,435,456
  file : FOLDER/model.pt
  need : an archive as torch.save writes it: every member once, as it is
  more : sheer explain E832"""


def test_members_that_overlap(tmp_path):
    assert refused(overlapping("archive/data.pkl", "archive/data/0", FOUR), tmp_path) == """\
load: this archive is not safe to read: archive/data.pkl and archive/data/0 overlap
  file : FOLDER/model.pt
  need : an archive as torch.save writes it: every member once, as it is
  more : sheer explain E832"""


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(tmp_path):
    stream = io.BytesIO(archive(pickle.dumps({}, protocol=2)))
    with zipfile.ZipFile(stream, "a") as made:
        made.writestr("archive/data.pkl", pickle.dumps({"other": 1}, protocol=2))
    assert "a name occurs twice" in refused(stream.getvalue(), tmp_path)


def test_paths_out_of_the_archive_write_nothing(tmp_path):
    stream = io.BytesIO(archive(pickle.dumps({"n": 1}, protocol=2)))
    with zipfile.ZipFile(stream, "a") as made:
        made.writestr("../../pwned", b"x")
    path = tmp_path / "deep" / "er" / "model.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(stream.getvalue())
    assert sheer.load(path) == {"n": 1}                        # nothing is ever unpacked
    assert not (tmp_path / "pwned").exists()


def test_other_archives(tmp_path):
    stream = io.BytesIO()
    np.savez(stream, a=np.ones(2))
    assert refused(stream.getvalue(), tmp_path) == """\
load: this is an archive of NumPy
  file   : FOLDER/model.pt
  members: a.npy
  need   : a file of torch.save, or a safetensors file
  try    : numpy.load(path, allow_pickle=False)
  more   : sheer explain E830"""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("word/document.xml", "x")
    assert "this is a zip archive that torch.save did not write" in refused(stream.getvalue(),
                                                                            tmp_path)


# ---- sizes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize(("numbers", "what"), [
    ({"size": (5,), "stride": (1,)}, "a tensor of size (5,) reaches element 4 of storage 0"),
    ({"size": (2,), "stride": (1,), "offset": 3}, "a tensor of size (2,) reaches element 4"),
    ({"size": (2,), "stride": (-1,)}, "a tensor of size (2,), strides (-1,) and offset 0"),
    ({"size": (-2,), "stride": (1,)}, "a tensor of size (-2,)"),
    ({"size": (2,), "stride": (1, 1)}, "a tensor of size (2,), strides (1, 1)"),
    ({"size": (2.5,), "stride": (1,)}, "a tensor of size (2.5,)"),
    ({"size": (2**61, 8), "stride": (0, 0)},
     "a tensor of size (2305843009213693952, 8) repeats"),
    ({"size": (2**40,), "stride": (0,)}, "a tensor of size (1099511627776,) repeats"),
    ({"size": (2**63,), "stride": (0,)}, "a tensor of size (9223372036854775808,)"),
    ({"size": (1,) * 65, "stride": (0,) * 65}, "a tensor of size (1, 1, 1, 1, 1, 1, ...)"),
    ({"size": (4,), "stride": (1,), "count": 2**40}, "storage 0 has 16 bytes"),
    ({"size": (4,), "stride": (1,), "count": -4}, "storage 0 has 16 bytes"),
    ({"size": (0,), "stride": (1,), "offset": 2**61}, "a tensor of size (0,) reaches element"),
])
def test_tensors_that_do_not_fit_their_memory(numbers, what, tmp_path):
    said = refused(archive(tensor_pickle(**numbers), {"0": FOUR}), tmp_path)
    assert said.startswith(f"load: the file is damaged or made to harm: {what}")
    assert said.endswith("sheer explain E833")


def test_one_storage_of_two_types(tmp_path):
    one, two = (tensor_pickle((1,), (1,), kind=k)[2:-1] for k in ("FloatStorage", "IntStorage"))
    assert "storage 0 is a FloatStorage" in refused(
        archive(b"\x80\x02" + one + two + b"\x86.", {"0": FOUR}), tmp_path)


def test_a_small_file_cannot_ask_for_much_memory_by_many_tensors(tmp_path):
    one = tensor_pickle((2**18, 2**4), (0, 0))[2:-1]           # 16 MB each
    many = (one + b"a") * 10                                   # the same tensor, ten times
    different = b"".join(tensor_pickle((2**18, 2**4 - i), (0, 0))[2:-1] + b"a" for i in range(8))
    same = sheer.load(io.BytesIO(archive(b"\x80\x02]" + many + b".", {"0": FOUR})))
    assert len({id(t) for t in same}) == 1
    assert "too often" in refused(archive(b"\x80\x02]" + different + b".", {"0": FOUR}), tmp_path)


def test_values_that_grow_without_end_take_no_time(tmp_path):
    """t = (t, t), two hundred times over: nobody may hash, print or walk it."""
    doubled = b"\x80\x02)" + b"2\x86" * 200
    for end in (b".", b"N\x85\x86.", b"Q.", b"}N2s.", b"]2a.",
                b"c__builtin__\nset\n](2e\x85R."):
        body = archive(doubled + end)
        said = ""
        try:
            sheer.load(io.BytesIO(body))
        except SheerError as error:
            said = str(error)
        assert len(said) < 2000


def test_a_key_that_is_deep(tmp_path):
    deep = b"\x80\x02})" + b"\x85" * 100_000 + b"Ns."
    assert "a tuple cannot be a key" in refused(archive(deep), tmp_path)


# ---- broken files --------------------------------------------------------------------------------

@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_every_truncation_is_noticed(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    stream = io.BytesIO()
    torch.save({"w": torch.ones(2), "n": 3}, stream, _use_new_zipfile_serialization=zipped)
    whole = stream.getvalue()
    for length in range(0, len(whole), 1 if len(whole) < 900 else 3):
        with pytest.raises(DataError) as caught:
            sheer.load(io.BytesIO(whole[:length]))
        assert caught.value.code in ("E830", "E833", "E503"), length


def test_every_changed_byte_is_noticed_or_harmless():
    """Any one byte of an archive inverted: an error of ours or a value, never anything else."""
    torch = pytest.importorskip("torch")
    stream = io.BytesIO()
    torch.save({"w": torch.arange(2.0), "n": [3, "x"]}, stream)
    whole = bytearray(stream.getvalue())
    start = whole.index(b"\x80\x02")
    codes = set()
    for place in range(start, start + 160):
        changed = bytes(whole[:place]) + bytes([whole[place] ^ 0xFF]) + bytes(whole[place + 1:])
        with pytest.raises(SheerError) as caught:                 # the archive's own check sum
            sheer.load(io.BytesIO(changed))
        codes.add(caught.value.code)
    assert codes == {"E830"}
    pickled = zipfile.ZipFile(io.BytesIO(bytes(whole))).read("archive/data.pkl")
    for place in range(len(pickled)):
        for flip in (0x01, 0x20, 0xFF):
            changed = bytearray(pickled)
            changed[place] ^= flip
            try:
                sheer.load(io.BytesIO(archive(bytes(changed), {"0": FOUR[:8]})))
            except SheerError:
                continue


def test_broken_pickles(tmp_path):
    for pickled in (b"", b"\x80\x02", b"\x80\x02.", b"\x80\x02t.", b"\x80\x02K\x01K\x02s.",
                    b"\x80\x02h\x05.", b"\x80\x02(K\x01d.", b"\x80\x02\xff.", b"\x80\x02K\x01a."):
        assert "the pickle in the file is broken" in refused(archive(pickled), tmp_path)


def test_a_changed_storage_is_noticed(tmp_path):
    body = archive(tensor_pickle((4,), (1,)), {"0": FOUR})
    assert refused(body.replace(FOUR, FOUR[::-1], 1), tmp_path) == """\
load: the archive is broken: archive/data/0 has changed since it was written
  file : FOLDER/model.pt
  need : a whole file
  more : sheer explain E830"""


def test_a_pickle_that_torch_did_not_write(tmp_path):
    assert refused(pickle.dumps({"w": [1.0]}, protocol=2), tmp_path) == """\
load: this is a pickle that torch.save did not write
  file : FOLDER/model.pt
  need : a file of torch.save, or a safetensors file. Nothing was executed
  more : sheer explain E831"""


@pytest.mark.parametrize("header", [
    struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 2**40) + b"{}",
    struct.pack("<Q", 400_000_000) + b"{", b"\xff" * 16,
    *(struct.pack("<Q", len(t)) + t for t in (
        b'{"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}}' + b" " * 4,
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,800000]}}', b"[" * 100_000))])
def test_safetensors_with_an_absurd_header(header, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(header + bytes(8))
    with pytest.raises(DataError) as caught:
        sheer.load(tmp_path / "x.safetensors")
    assert caught.value.code == "E503"
