"""What fit says while it works: a bar on a terminal, lines in a file, nothing when not wanted."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, {here!r})
from train_problem import Problem
p = Problem()
model, optimizer = p.make()
p.fit(model, optimizer, epochs=2, metrics=["accuracy"], progress={progress})
"""


def program(progress):
    return [sys.executable, "-c",
            PROGRAM.format(here=str(Path(__file__).parent), progress=progress)]


def test_lines_when_not_on_a_terminal():
    done = subprocess.run(program(True), capture_output=True, text=True, check=True)
    assert done.stdout == ""
    told, *lines, scored = done.stderr.splitlines()
    assert told.startswith("predicted: epochs of ")
    assert scored.startswith("predicted epochs of ")
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        form = rf"epoch {number}/2  loss \d\.\d{{4}}  accuracy \d\.\d{{4}}  seconds \d+\.\d"
        assert re.fullmatch(form, line)


def test_silence_when_asked_for():
    done = subprocess.run(program(False), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_bar_on_a_terminal():
    ours, theirs = pty.openpty()
    child = subprocess.Popen(program(True), stderr=theirs, stdout=subprocess.PIPE,
                             env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:                          # the other end has closed
            break
        if not part:
            break
        text += part
    os.close(ours)
    assert child.wait(timeout=60) == 0
    assert child.stdout.read() == b""
    child.stdout.close()
    shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", text).decode()
    for piece in ("epoch 1/2", "epoch 2/2", "steps/s", "loss 0.", "accuracy 0."):
        assert piece in shown
    assert text.endswith((b"\x1b[?25h", b"\r\n")) or b"\x1b[?25h" in text   # the cursor is back
