"""Random programs compile a lot: an object cache of their own."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        if "SHEER_CACHE" not in os.environ:
            patch.setenv("SHEER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
