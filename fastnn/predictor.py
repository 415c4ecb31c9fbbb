"""The forward half of a plan: predictions, and losses without gradients."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._core import predict as compiled
from fastnn._core.gather import Table
from fastnn.arguments import check_input, check_parameters, check_samples
from fastnn.cuda import DeviceForward
from fastnn.device import Device, DeviceArray
from fastnn.error_state import of_the_user
from fastnn.mirrored import MirroredArray, mirrored
from fastnn.plan import Plan
from fastnn.threads import threads_for

# A prediction is shared out only so far that every thread has this much arithmetic,
# about a millisecond: starting a thread takes a tenth of that.
OPERATIONS_PER_THREAD = 100_000_000


class Predictor:
    """The forward half of a plan: predictions and losses of tables of rows.

    It has no state: any number of threads may use one at a time.

    Parameters
    ----------
    plan : Plan
    device : Device, default=None
        Where X and the parameters are copied to and all is computed: see
        :func:`fastnn.cuda.find_device`. None is the CPU.
    """

    def __init__(self, plan: Plan, device: Device | None = None):
        self._plan = plan
        self._elsewhere = None if device is None else DeviceForward(device, plan)
        self._forward = compiled.Forward(
            plan.ops,
            plan.tensors,
            plan.predict_size,
            plan.statistic_size,
            tuple(map(of_the_user, plan.functions)),
            plan.output,
            plan.n_inputs,
            plan.n_outputs,
            plan.n_parameters,
        )
        self._operations = plan.operations("predict")

    def predict(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        n_jobs: int | None = 1,
    ) -> NDArray:
        """Predictions of the network, the loss's link applied.

        Parameters
        ----------
        parameters : ndarray or MirroredArray of shape (n_parameters,)
            float32 or float64.
        X : {ndarray, CSR matrix or array, DeviceArray} of shape (n_samples, n_inputs)
            float32 or float64, of any memory layout; read and never copied. A
            DeviceArray is for the device that it is on.
        n_jobs : int, default=1
            See :func:`fastnn.threads.effective_n_threads`. Only work that takes
            milliseconds is shared out.

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_outputs), dtype of the parameters
        """
        check_parameters(self._plan, parameters)
        check_input(self._plan, X)
        outputs = self._predict(parameters, X, n_jobs, check_finite=False)
        assert outputs is not None  # nothing was checked
        return outputs

    def predict_there(
        self, parameters: NDArray | MirroredArray, X: DeviceArray
    ) -> DeviceArray:
        """As :meth:`predict`, for X on the device of this predictor.

        The predictions stay there, to be handed over by :meth:`Device.give`.
        """
        check_parameters(self._plan, parameters)
        check_input(self._plan, X)
        if self._elsewhere is None:
            raise ValueError("X is on a device, and this predictor is of the CPU")
        return self._elsewhere.predict_there(mirrored(parameters), X)

    def predict_clean(
        self, parameters: NDArray | MirroredArray, X: Any, n_jobs: int | None
    ) -> NDArray | None:
        """As :meth:`predict`, for X as a user passes it.

        None unless X is a plain array that needs no conversion, of the right width and
        finite: what else it may be, and what is then to be said, is for scikit-learn's
        validation to find out, which takes many times longer than a small prediction.
        """
        if not self._forward.accepts(X):
            return None
        return self._predict(parameters, X, n_jobs, check_finite=True)

    def _predict(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        n_jobs: int | None,
        check_finite: bool,
    ) -> NDArray | None:
        """None if a number of X is not finite and that is checked."""
        if self._elsewhere is not None:
            if check_finite and not _finite_in(parameters.dtype, X):
                return None
            return self._elsewhere.predict(mirrored(parameters), X)
        parameters = _here(parameters)
        n_samples = X.shape[0]
        shares = n_samples * self._operations // OPERATIONS_PER_THREAD
        parts = -(-n_samples // compiled.ROWS_AT_ONCE)
        n_threads = threads_for(n_jobs, min(shares, parts))
        if n_threads > 1:
            return self._share_out(parameters, X, parts, n_threads, check_finite)
        return self._forward.predict(parameters, X, check_finite=check_finite)

    def _share_out(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        n_parts: int,
        n_threads: int,
        check_finite: bool,
    ) -> NDArray | None:
        n_samples = X.shape[0]
        table = Table(X)
        result = np.empty((n_samples, self._plan.n_outputs), parameters.dtype)
        # Rows that one thread alone would take together stay together, and give the
        # same bits.
        together = compiled.ROWS_AT_ONCE
        ends = [n_parts * i // n_threads * together for i in range(n_threads)]
        ends.append(n_samples)

        def work(first: int, last: int) -> bool:
            return self._forward.predict_rows(
                parameters, table, first, last, result, check_finite=check_finite
            )

        with ThreadPoolExecutor(n_threads - 1) as others:
            shares = [others.submit(work, *share) for share in pairwise(ends[1:])]
            finite = work(*ends[:2])
            finite = all(share.result() for share in shares) and finite
        return result if finite else None

    def evaluate(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
    ) -> tuple[float, float, float]:
        """The loss of the network, without gradient, penalty and dropout.

        Parameters
        ----------
        parameters : ndarray or MirroredArray of shape (n_parameters,)
            float32 or float64.
        X : {ndarray, CSR matrix or array, DeviceArray} of shape (n_samples, n_inputs)
            As in :meth:`predict`.
        y : ndarray of shape (n_samples, target_columns)
            Encoded targets, of the dtype of the parameters.
        sample_weight : ndarray of shape (n_samples,), default=None
            Of the dtype of the parameters.

        Returns
        -------
        loss, reported, weight : float
            As :meth:`Engine.gradient`.
        """
        self._check(parameters, X, y, sample_weight)
        if self._elsewhere is not None:
            own = mirrored(parameters)
            sums = self._elsewhere.evaluate(own, X, y, sample_weight)
        else:
            here = _here(parameters)
            sums = self._forward.evaluate(here, Table(X), y, sample_weight)
        return (*sums, _total(y, sample_weight))

    def judge(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
    ) -> tuple[NDArray, tuple[float, float, float]]:
        """What :meth:`predict` and :meth:`evaluate` return, from one pass over X."""
        self._check(parameters, X, y, sample_weight)
        result = np.empty((X.shape[0], self._plan.n_outputs), parameters.dtype)
        if self._elsewhere is not None:
            own = mirrored(parameters)
            sums = self._elsewhere.judge(own, X, y, sample_weight, result)
        else:
            here = _here(parameters)
            sums = self._forward.judge(here, Table(X), y, sample_weight, result)
        return result, (*sums, _total(y, sample_weight))

    def _check(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> None:
        dtype = check_parameters(self._plan, parameters)
        check_samples(self._plan, X, y, sample_weight, dtype)


def _here(parameters: NDArray | MirroredArray) -> NDArray:
    return parameters.host if isinstance(parameters, MirroredArray) else parameters


def _finite_in(dtype: np.dtype, X: NDArray) -> bool:
    """Whether the numbers of X are finite, and stay so in this type."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(X.astype(dtype, copy=False)).all())


def _total(y: NDArray, sample_weight: NDArray | None) -> float:
    if sample_weight is None:
        return float(len(y))
    return float(sample_weight.sum(dtype=np.float64))
