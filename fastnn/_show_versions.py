"""What a bug report should say about the machine."""

import platform
import sys

import joblib
import numpy
import scipy
import sklearn
import threadpoolctl

from fastnn._version import __version__
from fastnn.engine.cpu.precision import PRECISIONS, matrix_unit
from fastnn.engine.cuda import describe
from fastnn.plan import tables


def show_versions() -> None:
    """Print the versions that a bug report should mention.

    Python, the platform, fastnn and what it stands on, the instruction sets that its
    loops and each ``precision`` use here and what limits them, what there is of CuPy,
    driver and card for ``device="cuda"``, and the BLAS and OpenMP libraries that are
    loaded.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.show_versions()  # doctest: +ELLIPSIS
    python: ...
    """
    versions = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "platform": platform.platform(),
        "fastnn": __version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "joblib": joblib.__version__,
        "threadpoolctl": threadpoolctl.__version__,
        "instruction set": tables.INSTRUCTION_SET,
        "FASTNN_INSTRUCTIONS": tables.INSTRUCTION_LIMIT,
    }
    for precision in PRECISIONS:
        unit = matrix_unit(precision) or "float32 in its place"
        versions[f'precision="{precision}"'] = unit
    versions |= describe()
    for name, version in versions.items():
        print(f"{name}: {version}")
    for library in threadpoolctl.threadpool_info():
        print(
            f"{library['user_api']}: {library['internal_api']} {library['version']}, "
            f"{library['num_threads']} threads, {library['filepath']}"
        )
