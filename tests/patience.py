"""How long a call may take to notice Ctrl-C, in seconds; builds for tests are slow."""

import os

SOON = float(os.environ.get("FASTNN_TEST_SECONDS", 1))
