"""The tape: values and adjoints of one network while its plan is being written."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from fastnn.plan.finishing import finished
from fastnn.plan.named_data import NamedData
from fastnn.plan.parameters import Parameters
from fastnn.plan.records import Parameter, Plan
from fastnn.plan.tables import PHASES
from fastnn.plan.tensor import Tensor, width_of
from fastnn.plan.writer import Writer

# What the loops read tokens as, int32, tells apart.
MOST_TOKENS = 2**31

TRAIN, PREDICT, EVALUATE = PHASES["train"], PHASES["predict"], PHASES["evaluate"]
ALWAYS = TRAIN | PREDICT | EVALUATE


class Tape:
    """What layers and ops write a plan on; it runs the adjoints for the backward pass.

    It knows inputs, targets and gradients. What a :class:`Writer` and
    :class:`Parameters` know, they are asked directly, under the names that they have
    here.
    """

    def __init__(self) -> None:
        self._writer = writer = Writer()
        self._parameters = parameters = Parameters(writer)
        self._named_data = NamedData()
        self._inputs: dict[str, Tensor] = {}
        self._most_steps: dict[int, int] = {}  # by axis
        self._masks: dict[int, Tensor] = {}
        self._parts_of: dict[int, list[tuple[int, Tensor]]] = {}
        self._gradients: dict[int, Tensor] = {}  # of activations
        self._adjoints: list[Callable[[], None]] = []

        self.activation, self.statistic = writer.activation, writer.statistic
        self.emit, self.copy, self.view = writer.emit, writer.copy, writer.view
        self.function, self.mask = writer.function, writer.mask
        self.scratch = writer.scratch
        self.is_view = writer.views.has
        self.parameter = parameters.parameter
        self.name_of = parameters.name_of
        self.part, self.given = parameters.part, parameters.given
        self.running_statistic = parameters.running_statistic
        self.moves, self.move = parameters.moves, parameters.move
        self.is_by_rows = parameters.is_by_rows
        self.row_gradient = parameters.row_gradient

    # ------------------------------------------------------------------ values

    def input(
        self,
        shape: Sequence[int],
        name: str = "X",
        tokens: int | None = None,
        steps: bool = False,
    ) -> Tensor:
        """The rows of a table, each of this shape.

        Parameters
        ----------
        shape : sequence of int
            Of one sample, with any number of axes; or of one step.
        name : str, default="X"
            What whoever passes the table calls it; each has another one.
        tokens : int, default=None
            The rows are integers from 0 to ``tokens - 1``. None are numbers.
        steps : bool, default=False
            Samples are sequences, and the rows their steps.
        """
        if not isinstance(name, str) or not name or name in self._inputs:
            raise ValueError(
                "an input needs a name, a word that no other one has; got "
                f"{name!r} beside {list(self._inputs)}"
            )
        if tokens is not None and not 0 < tokens <= MOST_TOKENS:
            raise ValueError(
                f"tokens must be None or from 1 to {MOST_TOKENS}, got {tokens} for the "
                f"input {name!r}"
            )
        axis = 1 + max((each.axis for each in self._inputs.values()), default=0)
        value = self._writer.tensor(
            "input",
            tuple(shape),
            index=len(self._inputs),
            axis=axis if steps else 0,
        )
        self._inputs[name] = replace(value, n_tokens=tokens or 0)
        return self._inputs[name]

    def limit_steps(self, x: Tensor, most: int) -> None:
        """Have sequences of more steps than so many refused.

        Parameters
        ----------
        x : Tensor
            A value for each of their steps.
        most : int
        """
        self._most_steps[x.axis] = min(most, self._most_steps.get(x.axis, most))

    def masked(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x, of which from now on this mask is known; None is none, and forgets one.

        Parameters
        ----------
        x : Tensor
            A value with an axis of steps, or more, in front of the last one, or one for
            each step of sequences.
        mask : Tensor or None
            1 for each step that counts and 0 for the others, in the shape of x without
            its last axis. Values that are made of x have it only if whoever makes them
            says so.
        """
        self._masks.pop(x.number, None)
        if mask is not None:
            self._masks[x.number] = mask
        return x

    def mask_of(self, x: Tensor) -> Tensor | None:
        """Which steps of x count; None if all do: see :meth:`masked`."""
        return self._masks.get(x.number)

    def named(self, name: str, weight: float = 1.0) -> AbstractContextManager[None]:
        """What targets and losses that are written in a block are called.

        Outside of all blocks it is "y", with the weight 1. Losses of one name are one
        to whoever asks for reports.

        Parameters
        ----------
        name : str
        weight : float, default=1
            Factor of the losses in the sum that is minimised, above 0.
        """
        return self._named_data.block(name, weight)

    def target(
        self, shape: Sequence[int], n_classes: Sequence[int] = (), name: str = ""
    ) -> Tensor:
        """The next columns of y.

        Parameters
        ----------
        shape : sequence of int
            Of one sample.
        n_classes : sequence of int, default=()
            Where it holds class numbers, for each column of the last axis.
        name : str, default=""
            By default that of the block: see :meth:`named`.
        """
        first = self._named_data.target(tuple(shape), tuple(n_classes), name)
        target = self._writer.tensor("target", tuple(shape))
        self._writer.tensors[target.number]["first"] = first
        return target

    def loss_term(self) -> tuple[int, float]:
        """Number and weight of the loss that an op adds to: see :meth:`named`."""
        return self._named_data.loss_term()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those that have been made so far."""
        return self._parameters.made

    # ------------------------------------------------------------------ the plan

    def finish(self, outputs: Tensor | Mapping[str, Tensor]) -> Plan:
        """Write the backward pass, place the activations, and freeze the plan.

        Parameters
        ----------
        outputs : Tensor or dict of str to Tensor
            The predictions, or several by name, which become columns of one matrix in
            the order of the dict. A single one is called "y".
        """
        if not self._inputs or not self._named_data.targets:
            raise ValueError("a plan needs an input and a target")
        named = {"y": outputs} if isinstance(outputs, Tensor) else dict(outputs)
        if not named:
            raise ValueError("a plan needs an output, got an empty dict")
        for adjoint in reversed(self._adjoints):
            adjoint()
        return finished(
            self._writer,
            self._parameters,
            self._named_data,
            self._inputs,
            named,
            self._most_steps,
        )

    # ------------------------------------------------------------------ views

    def parts_of(self, x: Tensor) -> list[tuple[int, Tensor]]:
        """First column and value of all columns of x that have a common adjoint."""
        return self._parts_of.setdefault(x.number, [])

    def dense(self, x: Tensor, phase: int = ALWAYS) -> Tensor:
        """x for ops that cannot read views: itself, or a copy of one."""
        y = self._writer.dense(x, phase)
        if y is not x:
            self.record(y, lambda: self.contribute(x, self.gradient_of(y)))
        return y

    def reshaped(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The numbers of x in another shape; of columns of another tensor, a copy."""
        y = self._seen(x, shape, ALWAYS)
        for value in (x, y):
            self._writer.views.note(value)
        return y

    def _seen(self, x: Tensor, shape: tuple[int, ...], phase: int = TRAIN) -> Tensor:
        """x in another shape, whose rows may be others only where none are apart."""
        if width_of(x.reshaped(shape)) != width_of(x):
            x = self.dense(x, phase)
        return x.reshaped(shape)

    def place(self, part: Tensor, whole: Tensor, start: int, phase: int) -> None:
        """Have the numbers of a part in columns of a whole as well, which is no view.

        If all that was written so far can do with a view, part becomes one, and what
        were views of it are views of whole; else it is copied.
        """
        if self._writer.views.may_become(part, self._writer.ops):
            self._writer.views.become(part, whole, start)
        else:
            self.copy(part, self.view(whole, start, part.shape[-1]), phase)

    # ------------------------------------------------------------------ gradients

    def has_gradient(self, value: Tensor) -> bool:
        """Whether adjoints that have run contribute to it; asked within an adjoint."""
        return value.number in self._gradients

    def gradient_of(self, value: Tensor) -> Tensor:
        """What the adjoints that have run add up to; asked for within an adjoint.

        It has the shape that the value is seen in.
        """
        return self._seen(self._gradients[value.number], value.shape)

    def dense_gradient_of(self, value: Tensor) -> Tensor:
        """The same for ops that cannot read views."""
        return self.dense(self.gradient_of(value), TRAIN)

    def record(self, y: Tensor, adjoint: Callable[[], None]) -> None:
        """Run the adjoint in the backward pass, if a gradient of y comes to be."""
        if y.needs_gradient:
            self.defer(lambda: adjoint() if self.has_gradient(y) else None)

    def defer(self, adjoint: Callable[[], None]) -> None:
        """Run the adjoint in the backward pass, whatever gradients there are."""
        self._adjoints.append(adjoint)

    def contribute(self, value: Tensor, gradient: Tensor) -> None:
        """Add to the gradient of an activation."""
        if not value.needs_gradient:
            return
        gradient = self._seen(gradient, value.shape)
        if value.number in self._gradients:
            so_far, total = self.gradient_of(value), self.activation(value.shape)
            axes = so_far, gradient
            self.emit("add", axes, (total,), TRAIN, axes=axes)
            gradient = total
        self._gradients[value.number] = gradient

    def accumulator(self, value: Tensor) -> tuple[Tensor, bool]:
        """Where an op writes the gradient of what it summed over, and whether it adds.

        A parameter has one place, in the flat buffer; an activation gets a new value.
        """
        if value.per_sample:
            return self.activation(value.shape), False
        place, accumulate = self._parameters.accumulator(value)
        return place.reshaped(value.shape), accumulate

    def accumulators(
        self, *values: Tensor | None
    ) -> list[tuple[bool, list[Tensor | None]]]:
        """The same for several parameters of an op, which adds to all or to none.

        There are as many as values, None for those that have no gradient. Where some
        are added to and some are not yet, they come as two lists, for two ops.
        """
        places: dict[bool, list[Tensor | None]] = {}
        for i, value in enumerate(values):
            if value is not None and value.needs_gradient:
                place, accumulate = self.accumulator(value)
                places.setdefault(accumulate, [None] * len(values))[i] = place
        return list(places.items()) or [(False, [None] * len(values))]
