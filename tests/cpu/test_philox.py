"""Philox: the published vectors, and generated code bit for bit equal to NumPy."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.philox import philox_elements, philox_run
from sheer.backends.cpu.ir.values import POINTER
from sheer.backends.cpu.runtime.jit import compile_ir
from sheer.graph.dtypes import int64
from sheer.ops.philox import philox_bits, philox_blocks

# Random123, kat_vectors, philox4x32 10: counter, key, output
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]
SEED, OFFSET = 0x0123456789ABCDEF, 0xFEDCBA9876543210


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_reference_gives_the_published_vectors(counter, key, expected):
    words = tuple(np.array([word], np.uint64) for word in counter)
    assert tuple(philox_blocks(words, key)[0]) == expected


def test_bits_of_an_element_do_not_depend_on_how_many_there_are():
    np.testing.assert_array_equal(philox_bits(1003, 7, 3)[:10], philox_bits(10, 7, 3))
    assert philox_bits(0, 7, 3).shape == (0,)


def run_native(target, body, n, start=0):
    b = Builder(target)
    arguments = [("y", POINTER), ("seed", int64), ("offset", int64), ("start", int64)]
    with b.function("bits", arguments) as (y, seed, offset, begin):
        body(b, y, seed, offset, begin)
    out = np.zeros(n, np.uint32)
    library = compile_ir(b.text(), target)
    run = library.function("bits", [ctypes.c_void_p, *[ctypes.c_uint64] * 3])
    run(out.ctypes.data, SEED, OFFSET, start)
    return out


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("start", [0, 8, 5, 2, 3])
def test_consecutive_elements(target, lanes, start):
    n = 1024

    def body(b, y, seed, offset, begin):
        with b.loop(0, n, lanes) as i:
            b.store(y, i, philox_run(b, b.add(i, begin), lanes, seed, offset, start % 4 == 0))

    np.testing.assert_array_equal(run_native(target, body, n, start),
                                  philox_bits(n + start, SEED, OFFSET)[start:])


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_arbitrary_elements(target, lanes):
    def body(b, y, seed, offset, start):
        with b.loop(0, 320, lanes) as i:
            where = b.add(b.mul(b.add(b.iota(lanes), b.add(i, start)), 3), 1)
            b.store(y, i, philox_elements(b, where, seed, offset))

    want = philox_bits(1400, SEED, OFFSET)[3 * np.arange(100, 420) + 1]
    np.testing.assert_array_equal(run_native(target, body, 320, start=100), want)


def test_block_numbers_use_their_high_word(target):
    def body(b, y, seed, offset, start):
        b.store(y, 0, philox_elements(b, b.add(b.iota(4), start), seed, offset))

    block = 2**40 // 4
    low, high = np.uint64(block & 0xFFFFFFFF), np.uint64(block >> 32)
    counter = (low, high, np.uint64(OFFSET & 0xFFFFFFFF), np.uint64(OFFSET >> 32))
    want = philox_blocks(counter, (SEED & 0xFFFFFFFF, SEED >> 32))
    np.testing.assert_array_equal(run_native(target, body, 4, start=2**40), want.ravel())
