"""What the whole suite shares."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples on every run, and no deadline: a busy machine is no bug.
settings.register_profile("fastnn", derandomize=True, deadline=None)
settings.load_profile("fastnn")

# What a shell starts in the background ignores Ctrl-C, and with it the tests of it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("FASTNN_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def load_data():
    """Load one of the larger data sets, as a dict of arrays; skip where it is missing.

    They are not part of the project. The environment variable FASTNN_TEST_DATA names
    the folder that holds them.
    """

    def load(name):
        path = DATA / f"{name}.npz"
        if not path.exists():
            pytest.skip(f"{path} is missing")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)

    return load


@pytest.fixture(scope="session")
def repository():
    """The root of the checkout; skip where an installed package is tested alone."""
    if not (REPOSITORY / "setup.py").exists():
        pytest.skip("needs the checkout")
    return REPOSITORY
