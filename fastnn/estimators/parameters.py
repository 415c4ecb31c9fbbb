"""The parameters that all estimators share, declared and documented once.

The docstrings here are completed by those of the estimators: see
:func:`fastnn.estimators.documentation.documented`.
"""

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.engine.cpu.precision import PRECISIONS
from fastnn.utils.plain_numbers import Interval


class CommonParameters:
    """What all estimators are asked for, and what they tell.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Number of threads that share each mini-batch. None takes what OpenMP, the
        process's affinity and joblib's limits for nested parallelism allow; negative
        numbers count back from all that the process may use, -1 being all of them.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train and to predict. "cuda" is an NVIDIA GPU, through CuPy (``pip
        install fastnn[cuda]``). "auto" is a GPU where one can be used, and the CPU
        elsewhere. A fitted model predicts on any machine. X may be larger than a GPU's
        memory: ``n_jobs`` threads then gather the mini-batches that are copied there
        next. The GPU is experimental: its kernels have been run in an emulation only.

    Attributes
    ----------
    device_ : {"cpu", "cuda"}
        Where the last call of ``fit`` or ``partial_fit`` computed.

    precision_ : {"float32", "float64", "bf16", "high", "tf32"}
        How the products of the last call were taken.

    n_features_in_ : int
        Number of features of X in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X in ``fit``; only if they are all strings.

    Notes
    -----
    When the first epoch is not finite, ``fit`` raises a ValueError. When a later one
    is not, it warns, restores the weights of the start of that epoch and stops.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "shuffle": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "precision": [StrOptions(set(PRECISIONS)), None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    shuffle: bool
    dtype: str | None
    n_jobs: int | None
    device: str
    precision: str | None
    random_state: Any
    warm_start: bool
    verbose: bool | int
