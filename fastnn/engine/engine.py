"""The engine: a plan and its buffers, on the CPU or on a device.

Arguments are checked here, at the door; the compiled loops behind it trust them.
"""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.arguments import (
    check_parameters,
    check_rows,
    check_samples,
    check_table,
    mixed_as,
    steps_of,
    tables_of,
)
from fastnn.engine.backend import STEPS_AT_ONCE, Backend
from fastnn.engine.by_length import lengths_of, sort_by_length
from fastnn.engine.changing import changing
from fastnn.engine.chunks import chunk_rows
from fastnn.engine.construction import on_cpu, on_device
from fastnn.engine.cuda import DeviceEngine
from fastnn.engine.device import Device
from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.snapshot import all_finite
from fastnn.engine.threads import threads_for
from fastnn.engine.trained import Trained
from fastnn.mixing import Mixing
from fastnn.optimizers import Optimizer
from fastnn.plan.records import Plan
from fastnn.plan.tables import AVERAGE_RATE, N_SCALARS

# A step is shared out only so far that every thread has this much to compute, some
# four microseconds: below it, sharing gains little.
OPERATIONS_PER_THREAD = 600_000

# The activations of a chunk of rows take at most so many bytes; larger batches are
# taken in several chunks, whose gradients add up, unless an op needs them whole.
CHUNK_BYTES = 32 * 2**20
# Where a few samples are enough for products, a step is faster while its activations
# stay in the cache.
CHUNK_BYTES_OF_PLACES = 4 * 2**20
# Where hardly anything is multiplied, a step takes as long as its numbers need to and
# from memory: they stay in the second-level cache.
CHUNK_BYTES_OF_MOVES = 2**20
DEVICE_CHUNK_BYTES = 1024 * 2**20


class Engine:
    """A plan, its parameters and a data set, ready to compute gradients and to train.

    BLAS is held at one thread while it computes, where it may be called. Threads start
    when there is work for them, and end when they have been idle for a moment, or at
    the exit where the engine is used as a context manager.

    Parameters
    ----------
    plan : Plan
    parameters : ndarray or MirroredArray of shape (n_parameters,), float32 or float64
        Changed in place. Its dtype is that of all computation.
    X : {ndarray, CSR matrix or array, DeviceArray} of shape (n_samples, n_inputs)
        float32, float64 or, unless it is sparse, integers or bool, of any memory
        layout; read and never copied on the CPU. To a device it is copied, or goes in
        parts if it does not fit into the memory. A DeviceArray is for the device that
        it is on, and not copied there either if it is of the dtype of the parameters.
        Samples of several axes may have these, where that takes no copy.
        Of a plan whose inputs are not one that is named X it is a dict of such tables
        by name, of as many rows each; tokens are a ndarray of integers, samples of
        different lengths :class:`fastnn.utils.sequences.Sequences`.
    y : ndarray of shape (n_samples, target_columns)
        Encoded targets, of the dtype of the parameters.
    sample_weight : ndarray of shape (n_samples,) or (n_samples, 1 + n_losses), \
            default=None
        Of the dtype of the parameters, at least 0. With several columns the mean loss
        is over the sum of the first, and column 1 + i is what loss i of the plan is
        multiplied by; where that is 0 its target is not read and may be NaN.
    batch_size : int
        Samples per step. Memory grows with it only up to some 32 MB of activations,
        unless the plan has ops that look at a whole mini-batch, as batch normalisation
        and custom losses do.
    optimizer : Optimizer, default=None
        Names the update rule. Without one only gradients can be had.
    state : ndarray or MirroredArray of shape (n_slots, n_parameters), default=None
        What the rule remembers, of the dtype of the parameters; changed in place.
    n_threads : int or None, default=1
        At most so many threads share a step; a small step uses fewer. None and negative
        numbers count as in :func:`fastnn.engine.threads.effective_n_threads`. Where
        there is a device, they gather the samples that do not fit into its memory.
    precision : {"bf16", "high", "tf32"} or None, default=None
        How the larger products of float32 are taken, where the processor gains by it:
        see :class:`fastnn.MLPClassifier`. None is in the full precision of the
        parameters.
    average : ndarray or MirroredArray of shape (n_parameters,), default=None
        A running average of the parameters, of their dtype; changed in place after
        steps in whose row of the table the column ``AVERAGE_RATE`` is not 0: see
        :meth:`fastnn.averaging.Averaging.rates`.
    mixing : Mixing, default=None
        How samples of a mini-batch are mixed with one another, where columns of a row
        of the table say so, from ``MIXED_SHARE`` on: see :meth:`fastnn.mixing.Mixing.
        columns`. On the CPU only.
    batch_by_length : bool, default=False
        Whether :meth:`shuffle` gives each mini-batch sequences of like length; see
        :func:`fastnn.engine.by_length.sort_by_length`. Samples of one length have none.
    device : Device, default=None
        Where the data set is copied to and all computation is done: see
        :func:`fastnn.engine.cuda.find_device`. None is the CPU. Parameters, state and
        average stay there where they are MirroredArrays; others are copied there and
        back by every call of a method.

    Attributes
    ----------
    gradients : ndarray of shape (n_gradients,)
        What the last call of :meth:`gradient` summed up, but for tables whose gradients
        are rows: see :meth:`row_gradients`. In the place of running
        statistics it has what the samples would put in the place of a part of them.
    reports : ndarray of shape (n_losses, 2)
        Of each loss of the plan, what is reported of it, without its weight in the
        plan, and the sum of its sample weights: sums over the samples of the last
        :meth:`gradient`.
    epoch_reports : ndarray of shape (n_losses, 2)
        The same over the samples of the present or last :meth:`epoch`, each step's
        before its update.
    n_steps : int
        Steps in an epoch.
    changing : Changing or None
        What steps may change of the parameters and of the optimizer's state; None is
        everything.
    precision : str
        That asked for once a product was taken so, else the dtype of the parameters.
    n_threads : int
        Threads that share a step. It depends on the plan, the batch size and the number
        allowed only, so that the same seed gives the same bits.

    Raises
    ------
    ValueError
        If an array has another shape, dtype or layout than described, an input is
        missing or surplus, or class numbers or tokens are out of range.
    MemoryError
        If not even a few samples, or a whole mini-batch where the plan needs that, fit
        into the device's memory beside the parameters.
    """

    def __init__(
        self,
        plan: Plan,
        parameters: NDArray | MirroredArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None = None,
        *,
        batch_size: int,
        optimizer: Optimizer | None = None,
        state: NDArray | MirroredArray | None = None,
        n_threads: int | None = 1,
        precision: str | None = None,
        average: NDArray | MirroredArray | None = None,
        mixing: Mixing | None = None,
        batch_by_length: bool = False,
        device: Device | None = None,
    ):
        dtype = check_parameters(plan, parameters)
        tables = tables_of(plan, X)
        check_samples(plan, tables, y, sample_weight, dtype)
        n_samples = tables[0].shape[0]
        if precision is not None and dtype != np.float32:
            raise ValueError(
                f"precision={precision!r} needs float32 parameters, got {dtype}"
            )
        trained = Trained(parameters, average, optimizer, state)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        batch_size = min(batch_size, n_samples)

        self._plan, self._batch_size = plan, batch_size
        self._precision = precision
        self._most_rows = batch_size if plan.needs_whole_batches else None
        self._trained = trained
        self._order: NDArray[np.intp] | None = None
        self._lengths = lengths_of(tables) if batch_by_length else None
        self._weight_sum = 0.0
        self.changing = changing(plan, tables)
        self._factors = np.array([loss.weight for loss in plan.losses] or [1.0])
        self.n_steps = -(-n_samples // batch_size)
        self._compiled: Backend
        if device is not None:
            if mixing is not None:
                raise ValueError(
                    f"mixing={mixing!r} cannot be done on a GPU: there are no kernels "
                    "for it. Use device='cpu'."
                )
            self.n_threads = 1
            rows = chunk_rows(plan, batch_size, dtype.itemsize, DEVICE_CHUNK_BYTES)
            self._compiled = on_device(
                device, plan, tables, y, sample_weight, batch_size, rows, n_threads,
                precision, trained,
            )  # fmt: skip
            return
        steps = steps_of(plan, tables)
        most_bytes = CHUNK_BYTES
        if plan.works_on_places():
            most_bytes = min(most_bytes, CHUNK_BYTES_OF_PLACES)
        if plan.mostly_moves(steps):
            most_bytes = min(most_bytes, CHUNK_BYTES_OF_MOVES)
        rows = chunk_rows(plan, batch_size, dtype.itemsize, most_bytes, steps)
        operations = plan.operations("train", steps)
        shares = operations * batch_size // OPERATIONS_PER_THREAD
        self.n_threads = threads_for(n_threads, min(shares, batch_size))
        compiled = on_cpu(
            plan, tables, y, sample_weight, batch_size, rows, self.n_threads,
            precision, trained, mixed_as(plan, mixing, tables),
        )  # fmt: skip
        self._compiled, self._order = compiled, compiled.order_of_rows()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._compiled.rest()

    @property
    def gradients(self) -> NDArray:
        return self._compiled.gradients

    @property
    def reports(self) -> NDArray[np.float64]:
        return self._unweighted(self._compiled.reports)

    @property
    def epoch_reports(self) -> NDArray[np.float64]:
        return self._unweighted(self._compiled.epoch_reports)

    def _unweighted(self, reports: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([reports[:, 0] / self._factors, reports[:, 1]])

    @property
    def precision(self) -> str:
        if self._precision is not None and self._compiled.reduced_products():
            return self._precision
        return str(self._compiled.gradients.dtype)

    def gradient(
        self,
        rows: NDArray[np.intp] | None = None,
        scalars: NDArray[np.float64] | None = None,
    ) -> tuple[float, float, float]:
        """Sum the loss and its gradient over samples.

        Neither the penalty nor the division by the sum of weights is included.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), intp, default=None
            Numbers of the samples, in any order, none twice. None is all of them. At
            most ``batch_size`` of them where the plan needs whole mini-batches.
        scalars : ndarray of shape (n_scalars,), float64, default=None
            A row of a step table. It matters for random masks only. None is zeros.

        Returns
        -------
        loss : float
            Weighted sum of the loss, the one that :attr:`gradients` belongs to.
        reported : float
            The same in the normalisation that is reported: see
            :class:`fastnn.losses.SquaredError`.
        weight : float
            Sum of the sample weights, of their first column.

        Raises
        ------
        ValueError
            If there are more rows than a plan that needs whole mini-batches has room
            for.
        Exception
            Whatever the function of a custom loss raises.
        """
        if rows is None:
            rows = np.arange(self._compiled.n_rows, dtype=np.intp)
        else:
            check_rows(rows, self._compiled.n_rows)
        if self._most_rows is not None and len(rows) > self._most_rows:
            raise ValueError(
                f"this network looks at whole mini-batches, of at most batch_size="
                f"{self._most_rows} samples, got {len(rows)}: pass fewer rows, or make "
                "an engine with a larger batch_size"
            )
        scalars = np.zeros(N_SCALARS) if scalars is None else scalars
        result = self._compiled.gradient(rows, scalars)
        self._weight_sum = result[2]
        return result

    def row_gradients(self) -> dict[str, tuple[NDArray[np.intp], NDArray]]:
        """What the last :meth:`gradient` summed up of tables whose gradients are rows.

        Returns
        -------
        rows : dict of str to tuple
            For each such table, by name, the numbers of the rows that the samples read,
            in ascending order, and the gradient of each, of shape (n_rows, n_columns).
        """
        return {
            self._plan.parameters[block].name: rows
            for block, rows in self._compiled.row_gradients().items()
        }

    def partial_loss(self) -> tuple[float, float]:
        """Of a :meth:`gradient` that was interrupted, ``reported`` and ``weight``.

        They are sums over the samples that it had come to.
        """
        return self._compiled.partial_loss()

    def update(self, scalars: NDArray[np.float64]) -> float:
        """Take the optimizer's step along the gradients of the last :meth:`gradient`.

        Parameters
        ----------
        scalars : ndarray of shape (n_scalars,), float64
            A row of the optimizer's table.

        Returns
        -------
        penalty : float
            That of the parameters before the step: see :meth:`penalty`.
        """
        self._trained.require_optimizer()
        if self._weight_sum <= 0:
            raise ValueError(
                "call gradient() first, on samples whose weights are not 0"
            )
        scalars = np.ascontiguousarray(scalars, dtype=np.float64)
        self._trained.require_average(scalars[AVERAGE_RATE : AVERAGE_RATE + 1])
        with self._trained.copied_to_host():
            return self._compiled.update(scalars, self._weight_sum)

    def all_finite(self) -> bool:
        """Whether no parameter that steps change is an infinity or a NaN."""
        if isinstance(self._compiled, DeviceEngine):
            return self._compiled.all_finite()
        parameters = self._trained.parameters.host
        if self.changing is not None:
            return self.changing.all_finite(parameters)
        return all_finite(parameters)

    def penalty(self, weight: float) -> float:
        """What regularizers add to the sum of the loss over samples.

        Parameters
        ----------
        weight : float
            Sum of the weights of the samples.

        Returns
        -------
        penalty : float
            Sum over the trained parameters of ``alpha / 2 * w ** 2 + weight * (l1 *
            abs(w) + l2 * w ** 2)``: see :class:`fastnn.regularizers.Regularizer`.
        """
        return self._compiled.penalty(weight)

    def shuffle(self, random_state: np.random.RandomState) -> None:
        """Shuffle the order in which :meth:`epoch` visits the samples.

        It starts as the order of X, and every call shuffles the last one further, with
        the draws of ``random_state.shuffle``. Where batches are made by length, those
        of ``random_state.permutation`` follow, and say which comes when.

        Parameters
        ----------
        random_state : RandomState
        """
        self._compiled.shuffle(random_state._bit_generator)
        if self._lengths is not None and self._order is not None:
            order, lengths = self._order, self._lengths
            sort_by_length(order, lengths, self._batch_size, random_state)

    def epoch(
        self, table: NDArray[np.float64] | Iterable[NDArray[np.float64]]
    ) -> float:
        """Take one step for each mini-batch of the data set, in the present order.

        Parameters
        ----------
        table : ndarray of shape (n_steps, n_scalars), float64, or iterable of its parts
            The optimizer's scalars, one row a step. Parts are asked for when the steps
            before have been taken.

        Returns
        -------
        loss : float
            Mean over the samples of the loss with its penalty, each batch's before its
            update. Not finite as soon as one batch's is not: the epoch ends there.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, soon after; the parameters are those after the last full step.
        Exception
            Whatever the function of a custom loss raises; the same holds.
        """
        self._trained.require_optimizer()
        self._weight_sum = 0.0  # gradients() is overwritten
        first = 0
        for part in [table] if isinstance(table, np.ndarray) else table:
            check_table(part, first, self.n_steps)
            self._trained.require_average(part[:, AVERAGE_RATE])
            for at in range(0, len(part), STEPS_AT_ONCE):
                scalars = np.ascontiguousarray(part[at : at + STEPS_AT_ONCE])
                with self._trained.copied_to_host():
                    self._compiled.steps(scalars, first)
                first += len(scalars)
                if not np.isfinite(self._compiled.total):
                    return self._compiled.total
        if first < self.n_steps:
            raise ValueError(
                f"table must have {self.n_steps} rows, one a step, got {first}"
            )
        return self._compiled.total / self._compiled.n_rows

    @property
    def n_steps_taken(self) -> int:
        """Steps of all epochs, those of one that was interrupted included."""
        return self._compiled.n_taken

    def mean_loss(self, n_steps: int) -> float:
        """What :meth:`epoch` returns, of the steps of one that was interrupted."""
        rows = min(n_steps * self._batch_size, self._compiled.n_rows)
        return self._compiled.total / rows
