"""WAV files: the samples SciPy reads, the errors of broken ones, and other rates."""

import struct

import numpy as np
import pytest
from scipy.io import wavfile

from sheer.data import read_wav, resample

RATE = 8000


def wav(samples, code=1, bits=16, channels=1, rate=RATE, extra=b"", size=None, tail=b""):
    """The bytes of a WAV file, as honest as its arguments."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * block, block, bits) + extra
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form
    length = len(samples) if size is None else size
    body += b"data" + struct.pack("<I", length) + samples + tail
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def file(tmp_path):
    def write(raw):
        path = tmp_path / "a.wav"
        path.write_bytes(raw)
        return path
    return write


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("dtype", "scale", "shift"), [
    (np.uint8, 128, 128), (np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.float32, 1, 0),
    (np.float64, 1, 0)])
def test_the_samples_are_those_that_scipy_writes(tmp_path, channels, dtype, scale, shift):
    rng = np.random.default_rng(0)
    whole = rng.uniform(-1, 1, (500, channels)).clip(-0.99, 0.99)
    samples = (whole * scale + shift).astype(dtype)
    wavfile.write(tmp_path / "a.wav", RATE, samples[:, 0] if channels == 1 else samples)
    wave, rate = read_wav(tmp_path / "a.wav")
    assert (wave.shape, wave.dtype, rate) == ((channels, 500), np.float32, RATE)
    np.testing.assert_allclose(wave.T, (samples.astype(np.float64) - shift) / scale, atol=1e-7)
    mono, _ = read_wav(tmp_path / "a.wav", mono=True)
    np.testing.assert_allclose(mono, wave.mean(0), atol=1e-7)


def test_24_bits(file):
    values = [0, 1, -1, 2**23 - 1, -2**23, 12345]
    raw = b"".join(v.to_bytes(3, "little", signed=True) for v in values)
    wave, _ = read_wav(file(wav(raw, bits=24)))
    np.testing.assert_array_equal(wave[0], (np.array(values) / 2**23).astype(np.float32))


def test_the_extensible_form_other_chunks_and_an_open_end(file):
    samples = np.array([0, 16384, -32768], "<i2").tobytes()
    extra = struct.pack("<HHIH14s", 22, 16, 4, 1, bytes(14))
    raw = wav(samples, 0xFFFE, extra=extra)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"           # chunks begin at even bytes
    for content in (raw, raw[:12] + odd + raw[12:], raw + odd,
                    wav(samples, size=0xFFFFFFFF), wav(samples, size=0)):
        wave, _ = read_wav(file(content))
        np.testing.assert_array_equal(wave[0], np.float32([0, 0.5, -1]))


@pytest.mark.parametrize(("raw", "code", "got"), [
    (b"", "E802", "0 bytes"),
    (b"ID3" + bytes(50), "E804", "b'ID3\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'"),
    (wav(b"abcd")[:-1], "E803", "3 bytes"),
    (wav(bytes(3)), "E803", "3 bytes"),
    (wav(b"ab", code=6, bits=8), "E632",
     "A-law, 8 bits, 1 channels, 8000 per second, 1 bytes per sample"),
    (wav(b"ab", bits=12), "E632", "PCM, 12 bits, 1 channels, 8000 per second, 1 bytes per sample"),
    (wav(b"ab", channels=0), "E632",
     "PCM, 16 bits, 0 channels, 8000 per second, 0 bytes per sample"),
    (wav(b"ab", rate=0), "E632", "PCM, 16 bits, 1 channels, 0 per second, 2 bytes per sample"),
    (wav(b"")[:-8], "E632", "none"),
    (b"RIFF\0\0\0\0WAVE", "E632", "none"),
    (wav(np.float32([0, np.nan]).tobytes(), 3, 32), "E632", "nan at 0.000 s"),
    (wav(np.array([1e300]).tobytes(), 3, 64), "E632", "inf at 0.000 s")])
def test_broken_sounds(file, fails, raw, code, got):
    path = file(raw)
    text = fails(read_wav, path)
    assert f"  file : {path}\n" in text
    assert f"  got  : {got}\n" in text
    assert text.endswith(f"  more : sheer explain {code}")


def test_the_whole_text_of_one(file, fails, lines):
    path = file(wav(b"abcdef")[:-2])
    assert fails(read_wav, path) == lines(f"""
        a.wav is cut short
          file : {path}
          need : 6 bytes of 'data'
          got  : 4 bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def tone(hertz, rate, seconds=0.5):
    return np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


@pytest.mark.parametrize("new", [16000, 11025, 4000, 8000, 44100])
def test_a_tone_stays_the_tone_it_is(new):
    found = resample(tone(440, RATE), RATE, new)
    wanted = tone(440, new)
    assert len(found) == -(-4000 * new // RATE)
    middle = slice(new // 20, -new // 20)                     # the sound is zero around its ends
    np.testing.assert_allclose(found[:len(wanted)][middle], wanted[:len(found)][middle], atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_taken_out():
    found = resample(tone(3000, RATE), RATE, 4000)            # at most 2000 Hz can be held
    assert np.abs(found[200:-200]).max() < 2e-3


def test_resampling_many_sounds_is_resampling_each():
    waves = np.stack([tone(200, RATE), tone(700, RATE)])
    both = resample(waves, RATE, 6000)
    for one, whole in zip(waves, both, strict=True):
        np.testing.assert_allclose(resample(one, RATE, 6000), whole, atol=1e-6)


def test_a_rate_that_is_none(fails):
    assert "need : a whole number > 0" in fails(resample, tone(200, RATE), RATE, 0)
