"""Fourier transforms of pairs against torch.fft: values, both derivatives, lengths, axes, norms."""

import numpy as np
import pytest
import torch
from evaluating import assert_parity, run

from sheer.ops import host

RNG = np.random.default_rng(3)
NORMS = [None, "backward", "ortho", "forward"]


def as_pair(z):
    return (z.real, z.imag) if z.is_complex() else (z,)


def check(ours, theirs, *arrays, **kwargs):
    assert_parity(lambda *x: ours(x if len(x) == 2 else x[0], **kwargs),
                  lambda *x: as_pair(theirs(torch.complex(*x) if len(x) == 2 else x[0], **kwargs)),
                  *arrays, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 3, 8])
@pytest.mark.parametrize("name", ["fft", "ifft", "irfft"])
def test_one_axis_of_a_pair(name, n, norm):
    re, im = RNG.normal(size=(2, 3, 5))
    check(getattr(host, name), getattr(torch.fft, name), re, im, n=n, norm=norm)


@pytest.mark.parametrize("length", [1, 2, 5, 6])
@pytest.mark.parametrize("norm", NORMS)
def test_real_signals(length, norm):
    x = RNG.normal(size=(3, length, 2))
    check(host.rfft, torch.fft.rfft, x, dim=1, norm=norm)
    check(host.fft, torch.fft.fft, x, dim=-2, norm=norm)
    back = run(lambda v: host.irfft(host.rfft(v, dim=1, norm=norm), length, 1, norm), x)
    np.testing.assert_allclose(back, x, atol=1e-14)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("s", "dim"), [
    (None, None), (None, (0, 2)), ((4, 2), None), ((2, 7), (2, 0))])
@pytest.mark.parametrize("name", ["fftn", "ifftn"])
def test_several_axes(name, s, dim, norm):
    re, im = RNG.normal(size=(2, 2, 3, 4))
    check(getattr(host, name), getattr(torch.fft, name), re, im, s=s, dim=dim, norm=norm)


def test_two_axes():
    re, im = RNG.normal(size=(2, 2, 3, 4))
    check(host.fft2, torch.fft.fft2, re, im, norm="ortho")
    check(host.ifft2, torch.fft.ifft2, re, im, s=(5, 2))


def test_it_equals_numpy_and_keeps_the_energy():
    x = RNG.normal(size=1000)
    re, im = run(lambda v: host.fft(v, norm="ortho"), x)
    np.testing.assert_allclose(re + 1j * im, np.fft.fft(x, norm="ortho"), atol=1e-10)
    np.testing.assert_allclose(np.sum(re**2 + im**2), np.sum(x**2), rtol=1e-12)       # Parseval


def test_integers_and_float32_become_float32():
    for x in (np.arange(4), np.arange(4, dtype=np.float32)):
        re, im = run(host.fft, x)
        assert re.dtype == im.dtype == np.float32
        np.testing.assert_allclose(re + 1j * im, np.fft.fft([0, 1, 2, 3]), atol=1e-6)
