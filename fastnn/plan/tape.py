"""The tape: values, ops and adjoints of one network while its plan is being written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.constraints import MaxNorm
from fastnn.initializers import FromArray, Initializer
from fastnn.plan.broadcasting import broadcast_axes
from fastnn.plan.memory import assign_offsets
from fastnn.plan.named_data import NamedData
from fastnn.plan.records import CustomFunction, Input, Output, Parameter, Plan
from fastnn.plan.row_tables import RowTables
from fastnn.plan.tables import (
    ALIGNMENT,
    BLOCK_DTYPE,
    FLAGS,
    KINDS,
    MAX_INPUTS,
    MAX_OUTPUTS,
    OP_DTYPE,
    OP_FLAGS,
    PHASES,
    ROW_GRADIENT_DTYPE,
    SPACES,
    TENSOR_DTYPE,
)
from fastnn.plan.tensor import Tensor, rows_of, width_of
from fastnn.plan.views import Views
from fastnn.regularizers import Regularizer, as_regularizer
from fastnn.utils.same import says_the_same

# More than any memory holds, and few enough that all sizes fit into 64 bits.
MOST_PARAMETERS = 2**56
# What the loops read tokens as, int32, tells apart.
MOST_TOKENS = 2**31

TRAIN, PREDICT, EVALUATE = PHASES["train"], PHASES["predict"], PHASES["evaluate"]
ALWAYS = TRAIN | PREDICT | EVALUATE


class Tape:
    """Collects the records of a plan; runs the adjoints for the backward pass."""

    def __init__(self) -> None:
        self._ops: list[dict[str, Any]] = []
        self._parts_of: dict[int, list[tuple[int, Tensor]]] = {}
        self._tensors: list[dict[str, Any]] = []
        self._views = Views(self._tensors)
        self._blocks: list[dict[str, Any]] = []
        self._parameters: list[Parameter] = []
        self._named: dict[str, tuple[Tensor, dict[str, Any]]] = {}  # with its options
        self._parts: list[tuple[bool, float]] = []
        self._given: dict[str, NDArray] = {}  # initial values, by name
        self._names: dict[int, tuple[object, str]] = {}  # parts, which stay alive here
        self._n_parameters = 0
        self._n_statistics = 0
        self._functions: list[CustomFunction] = []
        self._params: list[int] = []
        self._gradients: dict[int, Tensor] = {}
        self._gradient_written: set[int] = set()
        self._adjoints: list[Callable[[], None]] = []
        self._inputs: dict[str, Tensor] = {}
        self._named_data = NamedData()
        self._n_masks = 0
        self._row_tables = RowTables()
        self._running: dict[int, dict[str, Any]] = {}  # blocks, by number of tensor

    # ------------------------------------------------------------------ values

    def input(
        self, shape: Sequence[int], name: str = "X", tokens: int | None = None
    ) -> Tensor:
        """The rows of a table, each of this shape.

        Parameters
        ----------
        shape : sequence of int
            Of one sample, with any number of axes.
        name : str, default="X"
            What whoever passes the table calls it; each has another one.
        tokens : int, default=None
            The rows are integers from 0 to ``tokens - 1``. None are numbers.
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
        value = self._tensor("input", tuple(shape), index=len(self._inputs))
        self._inputs[name] = replace(value, n_tokens=tokens or 0)
        return self._inputs[name]

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
        target = self._tensor("target", tuple(shape))
        self._tensors[target.number]["first"] = first
        return target

    def loss_term(self) -> tuple[int, float]:
        """Number and weight of the loss that an op adds to: see :meth:`named`."""
        return self._named_data.loss_term()

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
    def parameters(self) -> tuple[Parameter, ...]:
        """Those that have been made so far."""
        return tuple(self._parameters)

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
        offset = self._n_parameters
        parameter = Parameter(name, shape, offset, initializer, fan_in, fan_out)
        if constraint is not None:
            constraint.check()
            max_norm = constraint.max_norm
            if len(shape) != 2:
                raise ValueError(
                    "a constraint is one on the columns of a matrix, got the shape "
                    f"{shape} for {name}"
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
        taken = -(-prod(shape) // ALIGNMENT) * ALIGNMENT
        if self._n_parameters + taken > MOST_PARAMETERS:
            raise ValueError(
                f"no memory holds a network with {name} of shape {shape}. Lower the "
                "units of its layers (hidden_layer_sizes)."
            )
        value = self._tensor(
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
        self._parameters.append(parameter)
        self._blocks.append(block)
        self._n_parameters += taken
        if trainable:
            self._gradient_of_parameter(value)
        return value

    def _from_given(self, name: str, shape: tuple[int, ...]) -> Initializer:
        values = self._given[name]
        if values.shape != shape:
            raise ValueError(
                f"{name} has weights of shape {values.shape}, but is now of shape "
                f"{shape}. Restore the sizes of its layers, and the shape of what the "
                "first of them reads."
            )
        return FromArray(values)

    def is_by_rows(self, value: Tensor) -> bool:
        """Whether it is a table whose gradient is rows."""
        return value in self._row_tables

    def row_gradient(self, table: Tensor, tokens: Tensor, gradient: Tensor) -> None:
        """Note rows of the gradient of such a table: one for each token."""
        self._row_tables.use(table, tokens, gradient)

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

    def _gradient_of_parameter(self, value: Tensor) -> None:
        """Give a parameter its place in the flat buffer of gradients."""
        self._gradients[value.number] = self._tensor(
            "gradient",
            value.shape,
            per_sample=False,
            offset=self._tensors[value.number]["train_offset"],
        )

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
        links = [op for op in self._ops if op["phase"] == PREDICT]
        self._ops = [op for op in self._ops if op["phase"] != PREDICT]
        named = {
            name: self.dense(each, PREDICT | EVALUATE) for name, each in named.items()
        }
        (output, *others) = named.values()
        if others:
            output = self._joined([output, *others], links)
        elif output.number in {each.number for each in self._inputs.values()}:
            read, output = output, self.activation(output.shape)
            self.emit("add", (read,), (output,), PREDICT, axes=(output, None))
        else:  # an auxiliary loss may have made predictions too
            self._ops += [op for op in links if op["output"][0] == output.number]
        if len(self._named_data.targets) > 1:
            self._views.spread_targets(self._named_data.target_columns, self._ops)
        self._views.separate_rows(self._ops)
        sizes = [each.size for each in named.values()]
        parameters, of_tables, n_parameters = self._row_tables.place(
            self._n_parameters, self._tensors
        )
        uses = self._row_tables.uses(len(self._blocks))
        ops = _records(self._ops, OP_DTYPE)
        tensors = _records(self._tensors, TENSOR_DTYPE)
        blocks = _records([*self._blocks, *of_tables], BLOCK_DTYPE)
        row_gradients = _records(uses, ROW_GRADIENT_DTYPE)
        kept = [use["gradient"] for use in uses]
        train_size = assign_offsets(ops, tensors, TRAIN, "train_offset", kept)
        predict_size = assign_offsets(
            ops, tensors, PREDICT | EVALUATE, "predict_offset", [output.number]
        )
        params = np.array(self._params, np.int64)
        for records in (ops, tensors, blocks, params, row_gradients):
            records.setflags(write=False)
        inputs = tuple(
            Input(
                name, value.shape, value.n_tokens, _may_be_sparse(ops, tensors, value)
            )
            for name, value in self._inputs.items()
        )
        return Plan(
            ops=ops,
            tensors=tensors,
            blocks=blocks,
            parameters=(*self._parameters, *parameters),
            n_parameters=n_parameters,
            train_size=train_size,
            predict_size=predict_size,
            output=output.number,
            inputs=inputs,
            targets=tuple(self._named_data.targets),
            outputs=tuple(
                Output(name, sum(sizes[:i]), each.shape)
                for i, (name, each) in enumerate(named.items())
            ),
            losses=tuple(self._named_data.losses),
            statistic_size=self._n_statistics,
            functions=tuple(self._functions),
            params=params,
            n_gradients=self._n_parameters,
            row_gradients=row_gradients,
        )

    def _joined(
        self, outputs: Sequence[Tensor], links: Sequence[dict[str, Any]]
    ) -> Tensor:
        """One tensor of several outputs side by side.

        Raw outputs are copied there, and the links applied to columns of that.
        """
        width, first = sum(output.size for output in outputs), 0
        raw, joined = self.activation((width,)), self.activation((width,))
        has_link = {link["output"][0] for link in links} & {t.number for t in outputs}
        for output in outputs:
            own = [link for link in links if link["output"][0] == output.number]
            source = own[0]["input"][0] if own else output.number
            flat = Tensor(source, (output.size,), True, output.needs_gradient)
            part = self.view(raw, first, output.size)
            self.copy(flat, part, PREDICT | EVALUATE)
            if has_link:
                self._link(own, part, self.view(joined, first, output.size))
            first += output.size
        return joined if has_link else raw

    def _link(self, links: Sequence[dict[str, Any]], x: Tensor, y: Tensor) -> None:
        """Write the links of an output on a row of its numbers; none is x itself."""
        softmax = [link for link in links if link["kind"] == KINDS["softmax"]]
        for link in softmax:
            width = link["dim"][3]
            for row in range(0, x.size, link["lead"][0]):
                start = row + link["stride"][0]
                own, to = (self.view(each, start, width) for each in (x, y))
                self.emit(
                    "softmax", (own,), (to,), PREDICT, lead=(width, 0, 0),
                    **rows_of(own, width),
                )  # fmt: skip
        if not softmax:
            options = {key: link[key] for link in links for key in ("code", "scalar")}
            self.emit("add", (x,), (y,), PREDICT, axes=(x, None), **options)

    # ------------------------------------------------------------------ records

    def _tensor(
        self,
        space: str,
        shape: tuple[int, ...],
        *,
        per_sample: bool = True,
        needs_gradient: bool = False,
        offset: int = 0,
        index: int = 0,
    ) -> Tensor:
        self._tensors.append(
            {
                "space": SPACES[space],
                "per_sample": int(per_sample),
                "base": -1,
                "index": index,
                "size": prod(shape),
                "first": 0,
                "lead": 0,
                "train_offset": offset,
                "predict_offset": offset,
            }
        )
        return Tensor(len(self._tensors) - 1, shape, per_sample, needs_gradient)

    def activation(self, shape: tuple[int, ...], *sources: Tensor) -> Tensor:
        needs_gradient = any(source.needs_gradient for source in sources)
        return self._tensor("activation", shape, needs_gradient=needs_gradient)

    def statistic(self, *shape: int) -> Tensor:
        """Numbers of all rows, of which each share of a step has its own."""
        offset = self._n_statistics
        self._n_statistics += -(-prod(shape) // ALIGNMENT) * ALIGNMENT
        return self._tensor("statistic", shape, per_sample=False, offset=offset)

    def emit(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor | None],
        phase: int,
        params: Sequence[int] = (),
        axes: tuple[Tensor, Tensor | None] | None = None,
        **fields: Any,
    ) -> None:
        """Write an op.

        Parameters
        ----------
        kind : str
        inputs, outputs : sequence of Tensor or None
        phase : int
        params : sequence of int, default=()
            Integers of its own.
        axes : tuple of Tensor, default=None
            Instead of the fields that say so: what it runs over, and what is broadcast
            along that, or None.
        **fields
            Others of its record.

        Raises
        ------
        ValueError
            If ``axes`` do not broadcast, or the kind of op reads no tokens, and gets
            some.
        AssertionError
            If the kind of op needs tensors that are no views, and gets one.
        """
        reads_tokens = OP_FLAGS[KINDS[kind]] & FLAGS["reads_tokens"]
        for place, read in enumerate(inputs):
            if read is not None and read.n_tokens and (place or not reads_tokens):
                raise ValueError(
                    f"{kind} needs numbers, and this input of the network is tokens: "
                    "look them up in an embedding first"
                )
        self._views.check(kind, KINDS[kind], (*inputs, *outputs))
        if axes is not None:
            fields |= {"axes": axes, **broadcast_axes(*axes)}
        self._ops.append(
            {
                "kind": KINDS[kind],
                "phase": phase,
                "params": len(self._params),
                "input": _numbers(inputs, MAX_INPUTS),
                "output": _numbers(outputs, MAX_OUTPUTS),
                **fields,
            }
        )
        self._params += params

    def function(self, function: CustomFunction) -> int:
        """The number of a function that an op calls."""
        self._functions.append(function)
        return len(self._functions) - 1

    def mask(self) -> int:
        """A number for the random draws of one op, apart from those of the others."""
        self._n_masks += 1
        return self._n_masks - 1

    # ------------------------------------------------------------------ views

    def is_view(self, value: Tensor) -> bool:
        """Whether a value is a range of columns of another one."""
        return self._views.has(value)

    def view(self, x: Tensor, start: int, width: int) -> Tensor:
        """Columns of the last axis of x, where they lie.

        It has no adjoint, as `fastnn.plan.ops.columns` has.
        """
        return self._views.add(x, start, width)

    def parts_of(self, x: Tensor) -> list[tuple[int, Tensor]]:
        """First column and value of all columns of x that have a common adjoint."""
        return self._parts_of.setdefault(x.number, [])

    def copy(
        self, x: Tensor | None, y: Tensor, phase: int, accumulate: bool = False
    ) -> None:
        """Write that y becomes, or adds, x of the same shape; None is zeros."""
        rows = rows_of(y, y.shape[-1])
        self.emit("copy", (x,), (y,), phase, accumulate=accumulate, **rows)

    def dense(self, x: Tensor, phase: int = ALWAYS) -> Tensor:
        """x for ops that cannot read views: itself, or a copy of one."""
        if not self.is_view(x):
            return x
        y = self.activation(x.shape, x)
        self.copy(x, y, phase)
        self.record(y, lambda: self.contribute(x, self.gradient_of(y)))
        return y

    def reshaped(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The numbers of x in another shape; of columns of another tensor, a copy."""
        y = self._seen(x, shape, ALWAYS)
        for value in (x, y):
            self._views.note(value)
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
        if self._views.may_become(part, self._ops):
            self._views.become(part, whole, start)
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
        if self.is_by_rows(value):
            raise ValueError(
                f"the gradient of {self._row_tables.name(value)} is rows, which come "
                "of embeddings alone: make it with rows=False where other ops read it"
            )
        accumulate = value.number in self._gradient_written
        self._gradient_written.add(value.number)
        return self._gradients[value.number], accumulate

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


def _numbers(tensors: Sequence[Tensor | None], count: int) -> list[int]:
    numbers = [-1 if tensor is None else tensor.number for tensor in tensors]
    return numbers + [-1] * (count - len(numbers))


def _records(described: Sequence[dict[str, Any]], dtype: np.dtype) -> NDArray:
    records = np.zeros(len(described), dtype)
    for record, fields in zip(records, described, strict=True):
        for field, value in fields.items():
            record[field] = value
    return records


def _may_be_sparse(ops: NDArray, tensors: NDArray, value: Tensor) -> bool:
    """Whether all that reads an input takes sparse rows of it, one for each sample.

    Nothing reads columns of it.
    """
    if value.n_tokens or len(value.shape) != 1:
        return False
    number = value.number
    first, others = ops["input"][:, 0] == number, ops["input"][:, 1:] == number
    reading = ops[first]
    reads_sparse = OP_FLAGS[reading["kind"]] & FLAGS["reads_sparse"]
    dim, transposed = reading["dim"], reading["transpose"] & 1
    rows = np.where(transposed, dim[:, 3], dim[:, 1])
    whole = not others.any() and not (tensors["base"] == number).any()
    return bool(reads_sparse.all() and (rows == 1).all() and whole)
