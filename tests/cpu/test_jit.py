"""Compiling and caching: clear errors, one compile per text, and a cache that survives abuse."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sheer
from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.target import host_target
from sheer.backends.cpu.ir.values import POINTER
from sheer.backends.cpu.runtime import cache, kernels
from sheer.backends.cpu.runtime.jit import CompileError, cache_key, compile_ir, emit_asm
from sheer.graph.dtypes import float32

ADD_ONE = 'define i64 @f(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SHEER_CACHE", str(tmp_path))
    return tmp_path / "objects"


def run(text=ADD_ONE):
    f = compile_ir(text, host_target()).function("f", [ctypes.c_int64], ctypes.c_int64)
    return f(41)


def test_the_second_compile_comes_from_disk(folder):
    assert (run(), run()) == (42, 42)
    seen = cache.stats()
    assert (seen.hits, seen.misses, seen.entries) == (1, 1, 1)
    cache.clear()
    assert cache.stats().entries == 0


@pytest.mark.parametrize("damage", [
    lambda raw: raw[:-5], lambda raw: b"", lambda raw: raw[:60] + b"x" + raw[61:]])
def test_a_damaged_entry_is_made_again(folder, damage):
    run()
    (entry,) = folder.glob("*.o")
    entry.write_bytes(damage(entry.read_bytes()))
    assert run() == 42
    assert cache.stats().corrupt == 1
    assert run() == 42
    assert cache.stats().hits == 1


def test_a_folder_that_cannot_be_written_warns_once(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SHEER_CACHE", str(blocked))
    with pytest.warns(cache.CacheWarning, match="object cache off: .*file.objects cannot be wri"):
        assert run() == 42
    assert run() == 42                      # a second warning would be an error


def test_a_full_disk_warns_once(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(cache.CacheWarning, match="No space left"):
        assert run() == 42
    assert run() == 42                      # a second warning would be an error
    assert [p.suffix for p in folder.iterdir()] == []       # nothing half written stays


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_still_serves_what_it_has(folder):
    run()
    folder.chmod(0o500)
    try:
        assert run() == 42
        with pytest.warns(cache.CacheWarning, match="object cache off"):
            assert run(ADD_ONE.replace("%x, 1", "%x, 2")) == 43
    finally:
        folder.chmod(0o700)


def test_what_a_killed_process_left_is_swept(tmp_path):
    entries = cache.ObjectCache(tmp_path)
    entries.write("a", b"1")
    old, new = tmp_path / "old.tmp", tmp_path / "new.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    entries._trim()
    assert (old.exists(), new.exists()) == (False, True)     # somebody may still write the new one
    assert entries.stats().entries == 1
    entries.clear()
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_used_entries_go_first(tmp_path):
    small = cache.ObjectCache(tmp_path, limit=40_000)
    for i in range(12):
        small.get(f"k{i}", lambda: bytes(5000))
        os.utime(tmp_path / f"k{i}.o", (i, i))
    small.get("k11", lambda: bytes(0))
    assert small.stats().bytes <= 45_000
    assert small.stats().evicted > 0
    assert not (tmp_path / "k0.o").exists()
    assert (tmp_path / "k11.o").exists()


def _compile_many(path):
    os.environ["SHEER_CACHE"] = path
    for i in range(20):
        text = ADD_ONE.replace("%x, 1", f"%x, {i % 5}")
        assert run(text) == 41 + i % 5


def test_several_processes_share_it(folder):
    context = multiprocessing.get_context("spawn")
    group = [context.Process(target=_compile_many, args=(str(folder.parent),)) for _ in range(3)]
    for p in group: p.start()
    for p in group: p.join()
    assert [p.exitcode for p in group] == [0, 0, 0]
    assert sorted(p.suffix for p in folder.iterdir()) == [".o"] * 5


def test_the_key_depends_on_text_and_processor(monkeypatch):
    here = host_target()
    monkeypatch.setenv("SHEER_CPU", "sse")
    assert len({cache_key("a", here), cache_key("b", here), cache_key("a", host_target())}) == 3


def test_the_key_of_a_kernel_depends_on_the_code_that_makes_it(tmp_path, monkeypatch):
    """Objects that older sources made are not found by newer ones."""
    package = tmp_path / "sheer"
    for folder in kernels._SOURCES:
        own = Path(sheer.__file__).parent / folder
        assert list(own.rglob("*.py")), f"{folder} has no sources"
        (package / folder).mkdir(parents=True, exist_ok=True)
        (package / folder / "one.py").write_text("a = 1")
    monkeypatch.setattr(kernels, "__file__", str(package / "backends/cpu/runtime/kernels.py"))
    key = kernels._own_code.__wrapped__
    before = key()
    assert key() == before
    for folder in kernels._SOURCES:
        (package / folder / "one.py").write_text(f"a = 2  # {folder}")
        assert key() != before
        before = key()


@pytest.mark.parametrize("name", ["llvm.fma.f32v16", "no_such_function_anywhere"])
def test_what_does_not_exist_is_named(name):
    text = f"declare float @{name}(float)\ndefine float @f(float %x) {{\n" \
           f"  %y = call float @{name}(float %x)\n  ret float %y\n}}\n"
    with pytest.raises(CompileError, match=rf"generated code(.|\n)*{name}"):
        compile_ir(text, host_target())


def test_broken_text_is_refused():
    with pytest.raises(CompileError, match="LLVM refuses the generated code"):
        compile_ir("define i64 @f() { ret i32 0 }", host_target())


def test_a_missing_symbol_lists_the_others():
    with pytest.raises(KeyError, match="no function g; the library has f"):
        compile_ir(ADD_ONE, host_target()).address("g")


def test_symbols_may_be_given():
    text = 'declare i64 @mine(i64)\ndefine i64 @f(i64 %x) {\n  %y = call i64 @mine(i64 %x)\n' \
           '  ret i64 %y\n}\n'
    mine = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda x: 2 * x)
    address = ctypes.cast(mine, ctypes.c_void_p).value
    library = compile_ir(text, host_target(), {"mine": address})
    assert library.function("f", [ctypes.c_int64], ctypes.c_int64)(21) == 42


def test_the_function_keeps_its_library_alive():
    f = compile_ir(ADD_ONE, host_target()).function("f", [ctypes.c_int64], ctypes.c_int64)
    assert f(1) == 2


def test_an_unknown_processor_lists_the_choices(monkeypatch):
    monkeypatch.setenv("SHEER_CPU", "avx1024")
    with pytest.raises(ValueError, match=r"SHEER_CPU=avx1024 is not possible here\n.*sse"):
        host_target()


def test_wide_code_uses_wide_registers(target):
    b = Builder(target)
    lanes = target.lanes(float32)
    with b.function("f", [("x", POINTER)]) as (x,):
        v = b.load(x, 0, float32, lanes)
        b.store(x, 0, b.add(v, v))
    register = {"avx512": "zmm", "avx2": "ymm", "sse": "xmm"}[target.name]
    assert f"%{register}" in emit_asm(b.text(), target)


def test_a_process_ends_cleanly_while_programs_live():
    code = ("import ctypes\nfrom sheer.backends.cpu.runtime import threads\n"
            "from sheer.backends.cpu.runtime.jit import compile_ir\n"
            "from sheer.backends.cpu.ir.target import host_target\nthreads.start(2)\n"
            f"f = compile_ir({ADD_ONE!r}, host_target()).function('f', [ctypes.c_int64], "
            "ctypes.c_int64)\nassert f(1) == 2")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert (done.returncode, done.stderr) == (0, b"")
