"""Lowering: the ops that layers are written in, each beside its adjoint.

A layer calls these methods in forward order. Each writes the forward op and keeps how
to write its adjoint; :meth:`Tape.finish` then runs the adjoints backwards. Values that
are used twice add up their gradients, parameters that nobody trains and inputs get
none, and a layer that is used twice shares its parameters: settled here once, for all
layers and all devices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from fastnn.plan.broadcasting import broadcast_axes
from fastnn.plan.tables import (
    ACTIVATION_DEFAULTS,
    ACTIVATION_READS,
    ACTIVATIONS,
    LOSSES,
    ROW_NORMS,
)
from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tensor, _rows
from fastnn.plan.whole_batch import WholeBatch

__all__ = ["ALWAYS", "EVALUATE", "PREDICT", "TRAIN", "Head", "Lowering", "Tensor"]


@dataclass(frozen=True)
class Head:
    """Columns of the raw outputs that a loss looks at by themselves.

    Parameters
    ----------
    start, width : int
        The first of them, and how many.
    target : int
        First column of the target that belongs to them.
    options : sequence of float, default=()
        The loss' own parameters for them.
    """

    start: int
    width: int
    target: int
    options: Sequence[float] = ()


class Lowering(WholeBatch):
    """Writes the plan of one network for samples of one shape."""

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        """``a @ b`` over the last axis of a, for a matrix b that all samples share."""
        if len(b.shape) != 2 or a.shape[-1:] != b.shape[:1]:
            raise ValueError(
                f"a product over the last axis of shape {a.shape} needs a matrix of as "
                f"many rows, got shape {b.shape}"
            )
        m, (k, n) = prod(a.shape[:-1]), b.shape
        y = self._activation((*a.shape[:-1], n), a, b)
        # dim: count, m, n, k, of which the one that runs over the samples is scaled.
        self._emit(
            "product",
            (a, b),
            (y,),
            ALWAYS,
            dim=(1, m, n, k),
            scaled=1 << 1,
            lead=(k, n, n),
        )

        def adjoint() -> None:
            dy = self._gradients[y.number]
            if b.needs_gradient:
                db, accumulate = self._accumulator(b)
                self._emit(
                    "product", (a, dy), (db,), TRAIN,
                    dim=(1, k, n, m), scaled=1 << 3, lead=(k, n, n), transpose=1,
                    accumulate=accumulate,
                )  # fmt: skip
            if a.needs_gradient:
                da = self._activation(a.shape)
                self._emit(
                    "product", (dy, b), (da,), TRAIN,
                    dim=(1, m, k, n), scaled=1 << 1, lead=(n, n, k), transpose=2,
                )  # fmt: skip
                self._contribute(a, da)

        self._keep(y, adjoint)
        return y

    def add(
        self,
        a: Tensor,
        b: Tensor | None = None,
        activation: str = "identity",
        phase: int = ALWAYS,
        option: float | None = None,
    ) -> Tensor:
        """``activation(a + b)``, with b broadcast along the trailing axes of a.

        Parameters
        ----------
        a : Tensor
            One for each sample.
        b : Tensor, default=None
            Of a shape that NumPy would broadcast to that of a.
        activation : str, default="identity"
            A name of the activation table.
        phase : int, default=ALWAYS
            When it runs; what runs at predict only has no adjoint.
        option : float, default=None
            The activation's own parameter; None is its default.
        """
        if option is None:
            option = ACTIVATION_DEFAULTS[activation]
        if activation == "identity" and b is None:
            return a
        if b is not None and ACTIVATION_READS[activation] == "input":
            # The slope is read from the sum, which must then be kept.
            z = self.add(a, b, phase=phase)
            return self.add(z, None, activation, phase, option)
        y = self._activation(a.shape, *(t for t in (a, b) if t is not None))
        fields = {
            "code": ACTIVATIONS.index(activation),
            "scalar": (option, 0, 0, 0),
            **broadcast_axes(a, b),
        }
        self._emit("add", (a, b), (y,), phase, **fields)
        if phase == PREDICT:
            return y
        reads = ACTIVATION_READS[activation]
        saved = {None: None, "output": y, "input": a}[reads]
        summed = (
            b is not None and b.needs_gradient and not (b.scaled and b.shape == a.shape)
        )

        def adjoint() -> None:
            dy = self._gradients[y.number]
            # The identity's da is dy itself: nothing is written.
            da = None if saved is None else self._activation(a.shape)
            db, accumulate = None, False
            if b is not None and summed:
                db, accumulate = self._accumulator(b)
            if da is not None or db is not None:
                self._emit(
                    "add_gradient", (dy, saved), (da, db), TRAIN,
                    accumulate=accumulate, **fields,
                )  # fmt: skip
            self._contribute(a, da or dy)
            if b is not None and b.scaled:
                self._contribute(b, db or da or dy)

        self._keep(y, adjoint)
        return y

    def prelu(self, x: Tensor, slope: Tensor) -> Tensor:
        """x where it is positive, ``slope * x`` elsewhere, with the slope broadcast.

        Parameters
        ----------
        x : Tensor
            One for each sample.
        slope : Tensor
            Of a shape that NumPy would broadcast to that of x.
        """
        y = self._activation(x.shape, x, slope)
        axes = broadcast_axes(x, slope)
        self._emit("prelu", (x, slope), (y,), ALWAYS, **axes)

        def adjoint() -> None:
            dy = self._gradients[y.number]
            dx = self._activation(x.shape) if x.needs_gradient else None
            dslope, accumulate = None, False
            if slope.needs_gradient:
                dslope, accumulate = self._accumulator(slope)
            self._emit(
                "prelu_gradient", (dy, x, slope), (dx, dslope), TRAIN,
                accumulate=accumulate, **axes,
            )  # fmt: skip
            if dx is not None:
                self._contribute(x, dx)
            if dslope is not None and slope.scaled:
                self._contribute(slope, dslope)

        self._keep(y, adjoint)
        return y

    def softmax(
        self, z: Tensor, phase: int = ALWAYS, heads: Sequence[int] | None = None
    ) -> Tensor:
        """The softmax over the last axis, or over each of some heads side by side.

        Parameters
        ----------
        z : Tensor
        phase : int, default=ALWAYS
        heads : sequence of int, default=None
            Widths that the last axis is divided into, only where nothing is trained.
            None is one head.
        """
        y = self._activation(z.shape, z)
        for start, width in _spans(heads or z.shape[-1:]):
            rows = _rows(z, width)
            self._emit(
                "softmax", (z,), (y,), phase,
                lead=(z.shape[-1], 0, 0), stride=(start, 0, 0, 0), **rows,
            )  # fmt: skip
        if phase == PREDICT:
            return y

        def adjoint() -> None:
            dz = self._activation(z.shape)
            self._emit(
                "softmax_gradient", (self._gradients[y.number], y), (dz,), TRAIN,
                **_rows(z, z.shape[-1]),
            )  # fmt: skip
            self._contribute(z, dz)

        self._keep(y, adjoint)
        return y

    def row_norm(
        self,
        kind: str,
        x: Tensor,
        scale: Tensor | None = None,
        offset: Tensor | None = None,
        *,
        epsilon: float,
    ) -> Tensor:
        """``scale * h + offset`` with h the normalised rows of x along the last axis.

        Parameters
        ----------
        kind : {"layer_norm", "rms_norm"}
            Whether a row's mean is removed before it is divided by the root of its mean
            square.
        x : Tensor
        scale, offset : Tensor, default=None
            Parameters of the shape of a row. None is 1 and 0.
        epsilon : float
            Added to the mean square, above 0.
        """
        for row in (scale, offset):
            if row is not None and row.shape != x.shape[-1:]:
                raise ValueError(
                    f"rows of shape {x.shape[-1:]} need a scale and an offset of that "
                    f"shape, got {row.shape}"
                )
        y = self._activation(x.shape, *(t for t in (x, scale, offset) if t is not None))
        per_row = 3 if kind == "layer_norm" else 1
        saved = self._activation((*x.shape[:-1], per_row))
        fields = {"code": ROW_NORMS[kind], **_rows(x, x.shape[-1])}
        self._emit(
            "row_norm", (x, scale, offset), (y, saved), ALWAYS,
            scalar=(epsilon, 0, 0, 0), **fields,
        )  # fmt: skip

        def adjoint() -> None:
            dy = self._gradients[y.number]
            dx = self._activation(x.shape) if x.needs_gradient else None
            for accumulate, sums in self._accumulators(scale, offset):
                self._emit(
                    "row_norm_gradient", (dy, x, scale, saved), (dx, *sums), TRAIN,
                    accumulate=accumulate, **fields,
                )  # fmt: skip
            if dx is not None:
                self._contribute(x, dx)

        self._keep(y, adjoint)
        return y

    def dropout(
        self, x: Tensor, rate: float, scale: float, shift: float = 0, value: float = 0
    ) -> Tensor:
        """In training ``scale * x + shift`` or, at this rate, value; x otherwise.

        Parameters
        ----------
        x : Tensor
        rate : float
            A multiple of one over ``CHANCES`` of the compiled tables, below 1.
        scale, shift : float
            What happens to numbers that are kept.
        value : float
            What stands in place of those that are dropped.
        """
        scalar = rate, scale, shift, value
        y, fields = self._random("dropout", x, scalar)

        def adjoint() -> None:
            dx = self._activation(x.shape)
            dy, slope = self._gradients[y.number], (rate, scale, 0, 0)
            self._emit("dropout", (dy,), (dx,), TRAIN, scalar=slope, **fields)
            self._contribute(x, dx)

        self._keep(y, adjoint)
        return y

    def gaussian_noise(self, x: Tensor, stddev: float) -> Tensor:
        """x with normal noise of this standard deviation in training; x otherwise."""
        y, _ = self._random("gaussian_noise", x, (stddev, 0, 0, 0))
        self._keep(y, lambda: self._contribute(x, self._gradients[y.number]))
        return y

    def _random(
        self, kind: str, x: Tensor, scalar: Sequence[float]
    ) -> tuple[Tensor, dict[str, Any]]:
        """The output of an op that draws random numbers in training, and its fields."""
        y = self._activation(x.shape, x)
        fields = {"code": self._n_masks, **_rows(x, x.shape[-1])}
        self._n_masks += 1
        self._emit(kind, (x,), (y,), TRAIN, scalar=scalar, **fields)
        # Elsewhere y is x: one place, and nothing to do, where x is needed no longer.
        axes = broadcast_axes(x, None)
        self._emit("add", (x,), (y,), PREDICT | EVALUATE, **axes)
        return y, fields

    def loss(
        self,
        name: str,
        z: Tensor,
        target: Tensor,
        heads: Sequence[Head] | None = None,
        *,
        weight: float = 1.0,
        report: float = 1.0,
        options: Sequence[float] = (),
    ) -> None:
        """Add a loss of the raw outputs z to what is minimised.

        Parameters
        ----------
        name : str
            A row of the table of losses.
        z : Tensor
        target : Tensor
            As wide as z, or a column of class numbers, as the loss reads it.
        heads : sequence of Head, default=None
            Parts of the last axis of z, which together are all of it, each with a loss
            of its own. None is one head.
        weight : float, default=1
            Factor of what is minimised.
        report : float, default=1
            Further factor of the number that is reported.
        options : sequence of float, default=()
            The loss' own parameters, where there is one head.
        """
        dz = self._activation(z.shape)
        for phase, outputs in ((TRAIN, (dz,)), (EVALUATE, ())):
            for head in heads or [Head(0, z.shape[-1], 0, options)]:
                own = (*head.options, 0, 0)[:2]
                self._emit(
                    "loss", (z, target), outputs, phase, code=LOSSES.index(name),
                    lead=(z.shape[-1], target.shape[-1], 0),
                    stride=(head.start, head.target, 0, 0),
                    scalar=(weight, report, *own), **_rows(z, head.width),
                )  # fmt: skip
        self._contribute(z, dz)


def _spans(widths: Sequence[int]) -> list[tuple[int, int]]:
    """First column and width of each head."""
    starts = [sum(widths[:i]) for i in range(len(widths))]
    return list(zip(starts, widths, strict=True))
