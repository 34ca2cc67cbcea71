"""Every test here runs on both backends, the reference and the native one."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        if "SHEER_CACHE" not in os.environ:
            patch.setenv("SHEER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, params=["reference", "cpu"])
def backend(request, monkeypatch):
    """The name of the backend in force."""
    monkeypatch.setenv("SHEER_BACKEND", request.param)
    return request.param
