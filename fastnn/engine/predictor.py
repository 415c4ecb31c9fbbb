"""The forward half of a plan: predictions, and losses without gradients."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn.engine.arguments import (
    check_parameters,
    check_samples,
    steps_of,
    tables_of,
)
from fastnn.engine.backend import Forward
from fastnn.engine.cpu import predict as compiled
from fastnn.engine.cuda import DeviceForward, worst_number
from fastnn.engine.device import Device, DeviceArray, downloaded
from fastnn.engine.mirrored import MirroredArray, mirrored
from fastnn.engine.snapshot import all_finite
from fastnn.engine.threads import threads_for
from fastnn.plan.records import Plan
from fastnn.utils.error_state import of_the_user
from fastnn.utils.sequences import Sequences

# A prediction is shared out only so far that every thread has this much arithmetic,
# about a millisecond: starting a thread takes a tenth of that.
OPERATIONS_PER_THREAD = 100_000_000

# So many samples tell whether a step has gone wrong, if it has not gone very wrong.
FEW_SAMPLES = 64


class Predictor:
    """The forward half of a plan: predictions and losses of tables of rows.

    It has no state: any number of threads may use one at a time.

    Parameters
    ----------
    plan : Plan
    device : Device, default=None
        Where X and the parameters are copied to and all is computed: see
        :func:`fastnn.engine.cuda.find_device`. None is the CPU.
    """

    def __init__(self, plan: Plan, device: Device | None = None):
        self._plan = plan
        self._device = device
        self._on_device = None if device is None else DeviceForward(device, plan)
        self._forward: Forward = compiled.Forward(
            replace(plan, functions=tuple(map(of_the_user, plan.functions)))
        )
        # Of one sample; None is as many as its steps say.
        self._operations = None if plan.sequences else plan.operations("predict")

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
            float32, float64 or, unless it is sparse, integers or bool, of any memory
            layout; read and never copied. A DeviceArray is for the device that it is
            on. A dict of such tables by name where :class:`Engine` takes one.
        n_jobs : int, default=1
            See :func:`fastnn.engine.threads.effective_n_threads`. Only work that takes
            milliseconds is shared out.

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_outputs)
            float64 if X or the parameters are, else float32. Raw outputs are computed
            in the dtype of the parameters, or in float64 where they leave float32, and
            the link in that of the predictions.

        Raises
        ------
        ValueError
            If the network makes no numbers of X even in float64, or X is not what it
            reads.
        """
        check_parameters(self._plan, parameters)
        tables = tables_of(self._plan, X)
        outputs = self._predict(parameters, tables, n_jobs, check_input=False)
        if outputs is not None:
            return outputs
        wide = _here(parameters).astype(np.float64)
        outputs = self._forward.predict(wide, tables, strict=False)
        assert outputs is not None  # it was not asked to be strict
        values = [*map(_values_of, tables)]
        if np.isnan(outputs).any() and all(map(all_finite, values)):
            raise _not_a_number(wide, *values)
        with np.errstate(all="ignore"):
            return outputs.astype(self._dtype_for(parameters, tables), copy=False)

    def predict_there(
        self, parameters: NDArray | MirroredArray, X: DeviceArray
    ) -> DeviceArray:
        """As :meth:`predict`, for X on the device of this predictor.

        The predictions stay there, to be handed over by :meth:`Device.give`.
        """
        check_parameters(self._plan, parameters)
        tables = tables_of(self._plan, X)
        if self._on_device is None or self._device is None:
            raise ValueError("X is on a device, and this predictor is of the CPU")
        dtype = self._dtype_for(parameters, tables)
        outputs = self._on_device.predict_there(mirrored(parameters), tables, dtype)
        if worst_number(self._device, outputs) == 0:
            return outputs
        wide = mirrored(_here(parameters).astype(np.float64))
        outputs = self._on_device.predict_there(wide, tables, np.dtype(np.float64))
        worst = worst_number(self._device, outputs)
        if np.isnan(worst) and worst_number(self._device, X) == 0:
            raise _not_a_number(wide.host, downloaded(self._device, X))
        narrow = self._device.prepare(outputs.shape, dtype)
        self._device.copy(
            self._device.cast(outputs, dtype).buffer, narrow.buffer, narrow.size
        )
        return narrow

    def predict_clean(
        self, parameters: NDArray | MirroredArray, X: Any, n_jobs: int | None
    ) -> NDArray | None:
        """As :meth:`predict`, for X as a user passes it.

        None unless X is a plain array that needs no conversion, of the right shape,
        and all is finite: what else it may be, and what is then to be said, is for
        scikit-learn's validation to find out, which takes many times longer than a
        small prediction.
        """
        if not self._forward.accepts(X):
            return None
        rows = X if X.ndim == 2 else X.reshape(X.shape[0], -1)
        return self._predict(parameters, (rows,), n_jobs, check_input=True)

    def _predict(
        self,
        parameters: NDArray | MirroredArray,
        tables: tuple[Any, ...],
        n_jobs: int | None,
        check_input: bool,
    ) -> NDArray | None:
        """None if an output is not finite, or a number of X and that is checked."""
        if self._on_device is not None:
            check_parameters(self._plan, parameters)
            if check_input and not _finite_in(parameters.dtype, tables[0]):
                return None
            dtype = self._dtype_for(parameters, tables)
            outputs = self._on_device.predict(mirrored(parameters), tables, dtype)
            return outputs if all_finite(outputs) else None
        operations = self._operations
        if operations is None:
            steps = steps_of(self._plan, tables)
            operations = self._plan.operations("predict", steps)
        shares = tables[0].shape[0] * operations // OPERATIONS_PER_THREAD
        # A single row is worth less than the call of a function of Python's.
        n_threads = threads_for(n_jobs, shares) if shares > 1 else 1
        return self._forward.predict(
            _here(parameters), tables, n_threads, check_input=check_input
        )

    def _dtype_for(
        self, parameters: NDArray | MirroredArray, tables: tuple[Any, ...]
    ) -> np.dtype:
        inputs = zip(self._plan.inputs, tables, strict=True)
        numbers = [table for each, table in inputs if not each.n_tokens]
        wide = any(each.dtype != np.float32 for each in (parameters, *numbers))
        return np.dtype(np.float64 if wide else np.float32)

    def evaluate(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
        *,
        reports: NDArray[np.float64] | None = None,
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
        sample_weight : ndarray of shape (n_samples,) or (n_samples, 1 + n_losses), \
                default=None
            Of the dtype of the parameters: see :class:`fastnn.engine.engine.Engine`.
        reports : ndarray of shape (n_losses, 2), float64, default=None
            Filled with what is reported of each loss, and the sum of its weights, as
            :attr:`Engine.reports`.

        Returns
        -------
        loss, reported, weight : float
            As :meth:`Engine.gradient`.
        """
        tables = self._checked(parameters, X, y, sample_weight)
        return self._evaluate(parameters, tables, y, sample_weight, reports)

    def _evaluate(
        self,
        parameters: NDArray | MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        reports: NDArray[np.float64] | None = None,
    ) -> tuple[float, float, float]:
        if self._on_device is not None:
            own = mirrored(parameters)
            sums = self._on_device.evaluate(own, tables, y, sample_weight)
        else:
            sums = self._forward.evaluate(_here(parameters), tables, y, sample_weight)
        return self._totals(sums, y, sample_weight, reports)

    def judge(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
        *,
        reports: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray, tuple[float, float, float]]:
        """What :meth:`predict` and :meth:`evaluate` return, from one pass over X.

        Where outputs leave float32, the loss is that of float64 as well.
        """
        tables = self._checked(parameters, X, y, sample_weight)
        outputs, sums = self._judge(parameters, tables, y, sample_weight)
        if outputs is None:
            y = y.astype(np.float64)
            weight = None if sample_weight is None else sample_weight.astype(np.float64)
            wide = _here(parameters).astype(np.float64)
            here = tuple(map(self._downloaded, tables))
            outputs, sums = self._forward.judge(wide, here, y, weight, strict=False)
            assert outputs is not None  # it was not asked to be strict
        return outputs, self._totals(sums, y, sample_weight, reports)

    def _totals(
        self,
        sums: tuple[float, NDArray[np.float64]],
        y: NDArray,
        sample_weight: NDArray | None,
        reports: NDArray[np.float64] | None,
    ) -> tuple[float, float, float]:
        """Loss, reported loss and weight; and what is reported of each loss."""
        loss, reported = sums
        weights = np.full(1, len(y), np.float64)
        if sample_weight is not None:
            columns = sample_weight.reshape(len(y), -1)
            weights = columns.sum(axis=0, dtype=np.float64)
        if reports is not None:
            reports[:, 0] = reported / [term.weight for term in self._plan.losses]
            reports[:, 1] = weights[1:] if len(weights) > 1 else weights
        return loss, float(reported.sum()), float(weights[0])

    def is_finite(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
    ) -> bool:
        """Whether the loss and the predictions are, in the dtype of the parameters."""
        tables = self._checked(parameters, X, y, sample_weight)
        return self._is_finite(parameters, tables, y, sample_weight)

    def _is_finite(
        self,
        parameters: NDArray | MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> bool:
        outputs, (loss, _) = self._judge(parameters, tables, y, sample_weight)
        return outputs is not None and math.isfinite(loss) and all_finite(outputs)

    def is_usable(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        loss: float,
    ) -> bool:
        """Whether something finite comes of parameters that a step has just changed.

        Parameters
        ----------
        parameters, X, y, sample_weight
            As in :meth:`evaluate`.
        loss : float
            Mean loss of a sample before. Where a few samples have one that is not much
            larger, the others are not looked at.
        """
        tables = self._checked(parameters, X, y, sample_weight)
        samples = tables, y, sample_weight
        some: Any = samples
        n_samples = y.shape[0]
        # A device has no rows of X to itself without a copy of them.
        on_device = any(isinstance(table, DeviceArray) for table in tables)
        if n_samples > FEW_SAMPLES and not on_device:
            rows = np.arange(FEW_SAMPLES) * n_samples // FEW_SAMPLES
            weight = None if sample_weight is None else sample_weight[rows]
            some = tuple(table[rows] for table in tables), y[rows], weight
        now, _, total = self._evaluate(parameters, *some)
        if total and now <= total * (loss + 9 * abs(loss)):
            return True
        return self._is_finite(parameters, *samples)

    def _judge(
        self,
        parameters: NDArray | MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> tuple[NDArray | None, tuple[float, NDArray[np.float64]]]:
        """Without outputs if one is not finite."""
        if self._on_device is None:
            return self._forward.judge(_here(parameters), tables, y, sample_weight)
        shape = tables[0].shape[0], self._plan.n_outputs
        outputs = np.empty(shape, self._dtype_for(parameters, tables))
        own = mirrored(parameters)
        sums = self._on_device.judge(own, tables, y, sample_weight, outputs)
        return (outputs if all_finite(outputs) else None), sums

    def _downloaded(self, table: Any) -> Any:
        if isinstance(table, DeviceArray) and self._device is not None:
            return downloaded(self._device, table)
        return table

    def _checked(
        self,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> tuple[Any, ...]:
        """The tables of X, when all has been looked at."""
        dtype = check_parameters(self._plan, parameters)
        tables = tables_of(self._plan, X)
        check_samples(self._plan, tables, y, sample_weight, dtype)
        return tables


def _values_of(table: Any) -> NDArray:
    if isinstance(table, Sequences):
        return table.values
    return table.data if sparse.issparse(table) else table


def _here(parameters: NDArray | MirroredArray) -> NDArray:
    return parameters.host if isinstance(parameters, MirroredArray) else parameters


def _not_a_number(parameters: NDArray, *values: NDArray) -> ValueError:
    """What is said of outputs that are NaN although all numbers of X are finite."""
    if not all_finite(parameters):
        return ValueError(
            "the model predicts NaN, because some of its weights are infinite or NaN. "
            "Train it again, or set the weights that were changed to numbers."
        )
    ends = [float(end) for each in values for end in (each.min(), each.max())]
    largest = max(map(abs, ends))
    return ValueError(
        f"the model predicts NaN for X, which holds numbers as large as {largest:g}: "
        "what it makes of them is beyond float32 and beyond float64. Scale X as the "
        "samples that it was trained on."
    )


def _finite_in(dtype: np.dtype, X: NDArray) -> bool:
    """Whether the numbers of X are finite, and stay so in this type."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.astype(dtype, copy=False)).all())
