"""The parameters of a plan while it is being written: names, options and places."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

from numpy.typing import NDArray

from fastnn.constraints import MaxNorm
from fastnn.initializers import FromArray, Initializer
from fastnn.plan.records import Parameter
from fastnn.plan.row_tables import RowTables
from fastnn.plan.tensor import Tensor, aligned
from fastnn.plan.views import Fields
from fastnn.plan.writer import Writer
from fastnn.regularizers import Regularizer, as_regularizer
from fastnn.utils.same import says_the_same

# More than any memory holds, and few enough that all sizes fit into 64 bits.
MOST_PARAMETERS = 2**56


class Parameters:
    """What a tape keeps of parameters: what was said of each, and where it lies.

    Parameters
    ----------
    writer : Writer
        Where the tensors that stand for them are written.

    Attributes
    ----------
    n_gradients : int
        Length of the buffer of gradients so far.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._made: list[Parameter] = []
        self._blocks: list[Fields] = []
        self._row_tables = RowTables()
        self.n_gradients = 0
        self._named: dict[str, tuple[Tensor, dict[str, Any]]] = {}  # with its options
        self._names: dict[int, tuple[object, str]] = {}  # parts, which stay alive here
        self._parts: list[tuple[bool, float]] = []
        self._given: dict[str, NDArray] = {}  # initial values, by name
        self._running: dict[int, Fields] = {}  # blocks, by number of tensor
        self._gradients: dict[int, Tensor] = {}  # by number of tensor
        self._gradient_written: set[int] = set()  # the same numbers

    def name_of(self, part: object, name: str) -> str:
        """The name of a part: that under which it was asked for first.

        A part that stands in several places therefore has one set of parameters.
        """
        return self._names.setdefault(id(part), (part, name))[1]

    @contextmanager
    def part(self, trainable: bool, learning_rate: float) -> Iterator[None]:
        """A layer or a network: what it says of all parameters that are made in it.

        They are trained if all parts around them are, and the factors on their learning
        rate are multiplied. Neither is looked at before one of them is made: by then
        the layer has checked them.
        """
        self._parts.append((trainable, learning_rate))
        try:
            yield
        finally:
            self._parts.pop()

    @contextmanager
    def given(self, values: Mapping[str, NDArray]) -> Iterator[None]:
        """Initial values of parameters that are made in the block, by their names.

        They take the place of what the parameters' initializers would draw.

        Raises
        ------
        ValueError
            If there are values of parameters that are not made, or of another shape.
        """
        self._given |= values
        yield
        unused = sorted(set(values) - set(self._named))
        if unused:
            raise ValueError(
                f"there are weights of {unused}, but no such parameters of the part: "
                f"it has {sorted(self._named)}. Restore its layers and their names."
            )

    @property
    def made(self) -> tuple[Parameter, ...]:
        """Those that have been made so far."""
        return tuple(self._made)

    @property
    def _frozen(self) -> bool:
        return not all(trainable for trainable, _ in self._parts)

    def parameter(
        self,
        name: str,
        shape: Sequence[int],
        initializer: Initializer,
        *,
        fan_in: int,
        fan_out: int,
        regularizer: Regularizer | str | None = None,
        constraint: MaxNorm | None = None,
        learning_rate: float = 1.0,
        weight_decay: float = 1.0,
        trainable: bool = True,
        rows: bool = False,
    ) -> Tensor:
        """A range of the flat parameter buffer, and one of the flat gradient buffer.

        A name that was there before means the same parameter again. It must then have
        the same options, and parts that say the same of it.

        Parameters
        ----------
        name : str
        shape : sequence of int
        initializer : Initializer
        fan_in, fan_out : int
            What the initializer scales by.
        regularizer : Regularizer or str, default=None
            Terms of the loss.
        constraint : MaxNorm, default=None
            What its columns must fulfil after a step; for matrices.
        learning_rate : float, default=1
            Factor on the optimizer's learning rate.
        weight_decay : float, default=1
            Factor on the optimizer's weight decay; 0 for biases and the like.
        trainable : bool, default=True
            Whether it has a gradient and is updated.
        rows : bool, default=False
            Whether it is a table of which a step reads few rows, by embeddings alone.
            Its gradient is those rows then, it takes no place in the buffer of
            gradients, and a step changes no other row, its moments included.
        """
        shape, frozen = tuple(shape), self._frozen
        if rows and (len(shape) != 2 or constraint is not None):
            raise ValueError(
                f"a table whose gradient is rows is a matrix without a constraint on "
                f"its columns, got the shape {shape} and constraint={constraint!r} for "
                f"{name}: make it with rows=False"
            )
        if name in self._given:
            initializer = self._from_given(name, shape)
        for _, factor in self._parts:
            learning_rate *= float(factor)
        terms, max_norm = as_regularizer(regularizer), 0.0
        options = {
            "initializer": initializer,
            "fan_in": fan_in,
            "fan_out": fan_out,
            "regularizer": terms,
            "constraint": constraint,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "trainable": trainable,
            "frozen": frozen,
            "rows": rows,
        }
        if name in self._named:
            return self._again(name, shape, options)
        trainable = trainable and not frozen
        offset = self.n_gradients
        parameter = Parameter(name, shape, offset, initializer, fan_in, fan_out)
        if constraint is not None:
            constraint.check()
            max_norm = constraint.max_norm
            if len(shape) < 2:
                raise ValueError(
                    "a constraint is one on what leads to each entry of the last axis "
                    f"of two or more, got the shape {shape} for {name}"
                )
        block = {
            "offset": offset,
            "size": prod(shape),
            "penalty": terms.alpha,
            "l1": terms.l1,
            "l2": terms.l2,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "max_norm": max_norm,
            "columns": shape[-1] if shape else 1,
            "running": 0.0,
            "trainable": trainable,
        }
        taken = aligned(prod(shape))
        if self.n_gradients + taken > MOST_PARAMETERS:
            raise ValueError(
                f"no memory holds a network with {name} of shape {shape}. Lower the "
                "units of its layers (hidden_layer_sizes)."
            )
        value = self._writer.tensor(
            "parameter",
            shape,
            per_sample=False,
            needs_gradient=trainable,
            offset=offset,
        )
        self._named[name] = value, options
        if rows:
            self._row_tables.add(value, parameter, block)
            return value
        self._made.append(parameter)
        self._blocks.append(block)
        self.n_gradients += taken
        if trainable:
            self._gradient_of_parameter(value)
        return value

    def _again(
        self, name: str, shape: tuple[int, ...], options: dict[str, Any]
    ) -> Tensor:
        known, before = self._named[name]
        layer = name.rpartition("/")[0]
        if known.shape != shape:
            raise ValueError(
                f"layer {layer!r} is used twice, and its inputs ask for parameters of "
                f"shape {known.shape} once and {shape} the other time. Use two layers, "
                "or give it inputs of one shape."
            )
        for option, value in options.items():
            if not says_the_same(before[option], value):
                raise ValueError(
                    f"layer {layer!r} is used twice, and its parameter {name!r} has "
                    f"{option}={before[option]!r} once and {option}={value!r} the "
                    "other time. Give both uses the same options, or use two layers."
                )
        return known

    def _from_given(self, name: str, shape: tuple[int, ...]) -> Initializer:
        values = self._given[name]
        if values.shape != shape:
            raise ValueError(
                f"{name} has weights of shape {values.shape}, but is now of shape "
                f"{shape}. Restore the sizes of its layers, and the shape of what the "
                "first of them reads."
            )
        return FromArray(values)

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

    def moves(self, statistic: Tensor) -> bool:
        """Whether an op may move a running statistic: none does in a frozen part."""
        return statistic.number in self._running

    def move(self, statistic: Tensor, momentum: float) -> None:
        """Note that an op of this momentum moves a running statistic."""
        block = self._running[statistic.number]
        block["running"] += (1 - block["running"]) * momentum

    def is_by_rows(self, value: Tensor) -> bool:
        """Whether it is a table whose gradient is rows."""
        return value in self._row_tables

    def row_gradient(self, table: Tensor, tokens: Tensor, gradient: Tensor) -> None:
        """Note rows of the gradient of such a table: one for each token."""
        self._row_tables.use(table, tokens, gradient)

    def accumulator(self, value: Tensor) -> tuple[Tensor, bool]:
        """Where an op writes the gradient of a parameter, and whether it adds."""
        if self.is_by_rows(value):
            raise ValueError(
                f"the gradient of {self._row_tables.name(value)} is rows, which come "
                "of embeddings alone: make it with rows=False where other ops read it"
            )
        accumulate = value.number in self._gradient_written
        self._gradient_written.add(value.number)
        return self._gradients[value.number], accumulate

    def _gradient_of_parameter(self, value: Tensor) -> None:
        """Give a parameter its place in the flat buffer of gradients."""
        self._gradients[value.number] = self._writer.tensor(
            "gradient",
            value.shape,
            per_sample=False,
            offset=self._writer.tensors[value.number]["train_offset"],
        )

    def placed(self) -> tuple[tuple[Parameter, ...], list[Fields], int]:
        """All parameters, their blocks, and the length of the flat buffer.

        Tables whose gradients are rows get their places, behind all others.
        """
        tables, blocks, end = self._row_tables.place(
            self.n_gradients, self._writer.tensors
        )
        return (*self._made, *tables), [*self._blocks, *blocks], end

    def row_gradients(self) -> list[dict[str, int]]:
        """Records of what makes the gradients of these tables."""
        return self._row_tables.uses(len(self._blocks))
