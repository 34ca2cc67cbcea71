"""Downloads from a server on this machine: what arrives, what is refused, what is said."""

import functools
import hashlib
import http.server
import threading

import pytest

from sheer.data.known.download import fetch
from sheer.data.known.sources import Dataset, Remote

CONTENT = b"measurements" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:1/"  # nothing listens on port 1


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "a.bin").write_bytes(CONTENT)
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def toy(*urls, sha256=SHA, file="a.bin"):
    return Dataset("toy", "a toy", "none", "http://toy", (), (Remote(file, sha256, urls),))


def test_downloads_once_with_a_bar(server, tmp_path, capsys):
    dataset = toy(server + "a.bin")
    fetch(dataset, tmp_path / "cache")
    file = tmp_path / "cache" / "a.bin"
    assert file.read_bytes() == CONTENT
    assert "12.0/12.0 kB" in capsys.readouterr().err
    before = file.stat().st_mtime_ns
    fetch(toy(NOWHERE + "a.bin"), tmp_path / "cache")  # it is there: no server is asked
    assert file.stat().st_mtime_ns == before


def test_a_damaged_file_is_downloaded_again(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"half")
    fetch(toy(server + "a.bin"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_the_next_mirror_is_tried(server, tmp_path):
    fetch(toy(NOWHERE + "a.bin", server + "gone.bin", server + "a.bin"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_no_network(tmp_path, fails, lines, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert fails(fetch, toy(NOWHERE + "a.bin"), tmp_path) == lines(f"""
        toy: a.bin could not be downloaded
          file : {tmp_path}/a.bin
          need : SHA-256 {SHA}
          got  : no answer from {NOWHERE}a.bin (ConnectionError)
          try  : put a.bin into a folder of your own and name it by data_dir=... or SHEER_DATA; \
they are at {NOWHERE}
          more : sheer explain E810""")


def test_not_on_the_server(server, tmp_path, fails, lines):
    assert fails(fetch, toy(server + "b/gone.bin"), tmp_path) == lines(f"""
        toy: a.bin could not be downloaded
          file : {tmp_path}/a.bin
          need : SHA-256 {SHA}
          got  : HTTP status 404 from {server}b/gone.bin
          try  : put a.bin into a folder of your own and name it by data_dir=... or SHEER_DATA; \
they are at {server}b/
          more : sheer explain E810""")


def test_another_file_is_refused_and_leaves_nothing(server, tmp_path, fails, lines):
    folder = tmp_path / "cache"
    assert fails(fetch, toy(server + "a.bin", sha256="0" * 64), folder) == lines(f"""
        toy: a.bin could not be downloaded
          file : {folder}/a.bin
          need : SHA-256 {"0" * 64}
          got  : SHA-256 {SHA} from {server}a.bin
          try  : put a.bin into a folder of your own and name it by data_dir=... or SHEER_DATA; \
they are at {server}
          more : sheer explain E809""")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(server, tmp_path, fails, lines):
    folder = tmp_path / "cache"
    folder.write_text("a file where the folder should be")
    assert fails(fetch, toy(server + "a.bin"), folder) == lines(f"""
        toy: a.bin could not be downloaded
          file : {folder}/a.bin
          need : SHA-256 {SHA}
          got  : a folder that cannot be written (Not a directory)
          try  : put a.bin into a folder of your own and name it by data_dir=... or SHEER_DATA; \
they are at {server}
          more : sheer explain E810""")
