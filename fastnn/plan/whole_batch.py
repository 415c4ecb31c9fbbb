"""Ops that look at all samples of a mini-batch together, each beside its adjoint.

The shares of a step meet there: each brings the numbers of its rows, one thread makes
of them what belongs to the batch, and all go on with that.
"""

from collections.abc import Sequence

from fastnn.initializers import Initializer
from fastnn.plan.records import CustomFunction
from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape, Tensor, _rows


class WholeBatch(Tape):
    """Writes batch normalisation and losses that are Python functions."""

    def running_statistic(
        self, name: str, shape: Sequence[int], initializer: Initializer
    ) -> Tensor:
        """A parameter that no optimizer trains but an op moves in each step.

        Its gradient is what takes the place of a part of it. In a part that is frozen
        it has none, and stays as it is.
        """
        value = self.parameter(
            name, shape, initializer, fan_in=1, fan_out=1,
            weight_decay=0.0, trainable=False,
        )  # fmt: skip
        if not self._frozen and value.number not in self._running:
            self._gradient_of_parameter(value)
            self._running[value.number] = self._blocks[-1]
        return value

    def batch_norm(
        self,
        x: Tensor,
        running_mean: Tensor,
        running_variance: Tensor,
        scale: Tensor | None,
        offset: Tensor | None,
        *,
        momentum: float,
        epsilon: float,
    ) -> Tensor:
        """``scale * (x - mean) / sqrt(variance + epsilon) + offset``, by column of x.

        A column is an entry of the last axis. Its mean and variance are those over all
        rows of the mini-batch in training, and the running ones elsewhere, or also in
        training where these do not move.

        Parameters
        ----------
        x : Tensor
        running_mean, running_variance : Tensor
            Of :meth:`running_statistic`, of shape (columns,). Several uses move them
            one after another, in the order in which they are written. Parameters that
            nothing trains do not move.
        scale, offset : Tensor or None
            Parameters of shape (columns,); None is 1 and 0.
        momentum : float
            Weight of a batch's statistics in the running ones, above 0.
        epsilon : float
            Above 0.
        """
        columns = x.shape[-1]
        rows = _rows(x, columns)
        sources = [t for t in (x, scale, offset) if t is not None]
        y = self._activation(x.shape, *sources)
        table = self._statistic(4, columns)
        moves = running_mean.number in self._running
        if moves:
            self._batch_statistics(
                x, running_mean, running_variance, scale, offset, table,
                momentum=momentum, epsilon=epsilon,
            )  # fmt: skip
        self._emit(
            "running_statistics",
            (running_mean, running_variance, scale, offset),
            (table,),
            PREDICT | EVALUATE if moves else ALWAYS,
            scalar=(epsilon, 0, 0, 0),
            **rows,
        )
        self._emit("batch_norm", (x, table), (y,), ALWAYS, **rows)

        def adjoint() -> None:
            dy = self._gradients[y.number]
            trained = [t for t in (scale, offset) if t is not None and t.needs_gradient]
            sums = products = None
            if trained or moves:
                sums, products = self._statistic(columns), self._statistic(columns)
                self._emit(
                    "batch_norm_sums", (dy, x, table), (sums, products), TRAIN, **rows
                )
            for value, own in ((offset, sums), (scale, products)):
                if value is not None and value.needs_gradient:
                    gradient, adds = self._accumulator(value)
                    self._emit(
                        "add_gradient", (own,), (None, gradient), TRAIN,
                        dim=(1, 1, 1, columns), stride=(0, 0, 0, 1), accumulate=adds,
                    )  # fmt: skip
            if x.needs_gradient and moves:
                correction = self._statistic(2, columns)
                self._emit(
                    "batch_correction", (sums, products, table), (correction,), TRAIN,
                    **rows,
                )  # fmt: skip
                dx = self._activation(x.shape)
                self._emit(
                    "batch_norm_gradient", (dy, x, table, correction), (dx,), TRAIN,
                    **rows,
                )  # fmt: skip
                self._contribute(x, dx)
            elif x.needs_gradient:
                # The adjoint of a fixed affine map is that map without its constants.
                slope = self._statistic(4, columns)
                self._emit(
                    "running_statistics", (None, running_variance, scale, None),
                    (slope,), TRAIN, scalar=(epsilon, 0, 0, 0), **rows,
                )  # fmt: skip
                dx = self._activation(x.shape)
                self._emit("batch_norm", (dy, slope), (dx,), TRAIN, **rows)
                self._contribute(x, dx)

        self._keep(y, adjoint)
        return y

    def _batch_statistics(
        self,
        x: Tensor,
        running_mean: Tensor,
        running_variance: Tensor,
        scale: Tensor | None,
        offset: Tensor | None,
        table: Tensor,
        *,
        momentum: float,
        epsilon: float,
    ) -> None:
        """Write the table of a mini-batch, and how running statistics move there."""
        columns = x.shape[-1]
        rows = _rows(x, columns)
        moments = self._statistic(2, columns)
        self._emit("batch_moments", (x,), (moments,), TRAIN, **rows)
        mean_moved, accumulate = self._accumulator(running_mean)
        variance_moved, _ = self._accumulator(running_variance)
        for statistic in (running_mean, running_variance):
            block = self._running[statistic.number]
            block["running"] += (1 - block["running"]) * momentum
        self._emit(
            "batch_statistics",
            (moments, running_variance, scale, offset),
            (table, mean_moved, variance_moved),
            TRAIN,
            scalar=(epsilon, momentum, 0, 0), accumulate=accumulate, **rows,
        )  # fmt: skip

    def custom_loss(self, function: CustomFunction, z: Tensor, target: Tensor) -> None:
        """Add a Python function's loss of the raw outputs z to what is minimised.

        Parameters
        ----------
        function : callable
            See :class:`fastnn.losses.CustomLoss`.
        z, target : Tensor
        """
        code = len(self._functions)
        self._functions.append(function)
        dz = self._activation(z.shape)
        for phase, outputs in ((TRAIN, (dz,)), (EVALUATE, ())):
            self._emit(
                "custom_loss", (z, target), outputs, phase, code=code,
                dim=(1, 1, 1, z.size), scaled=1 << 2, lead=(target.size, 0, 0),
            )  # fmt: skip
        self._contribute(z, dz)
