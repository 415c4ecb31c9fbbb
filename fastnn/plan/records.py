"""The plan: a network lowered for one input shape, as records that a device walks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.initializers import Initializer
from fastnn.plan.tables import FLAGS, KINDS, OP_COSTS, OP_FLAGS, PHASES, SPACES
from fastnn.utils.cache_lines import aligned_zeros

LOSS_KINDS = KINDS["loss"], KINDS["custom_loss"]

# A loss of targets y and raw outputs z: see fastnn.losses.CustomLoss.
CustomFunction = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]

# Ops that multiply each number by many.
MULTIPLYING = (
    *("product", "conv", "conv_transposed", "conv_kernel_gradient"),
    *("recurrent", "recurrent_gradient", "recurrent_weights"),
    *("attention", "attention_gradient"),
)

# Places of a sample of which a product needs no others.
MANY_PLACES = 4


@dataclass(frozen=True)
class Parameter:
    """A named range of the flat parameter buffer.

    Parameters
    ----------
    name : str
        Layer and role, as in ``"dense/kernel"``.
    shape : tuple of int
    offset : int
        Where it starts in the flat buffer.
    initializer : Initializer
        Draws the initial values.
    fan_in, fan_out : int
        What the initializer scales by.
    """

    name: str
    shape: tuple[int, ...]
    offset: int
    initializer: Initializer
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Input:
    """One of the tables that samples are read from, a row each.

    Parameters
    ----------
    name : str
        ``"X"`` where there is no other.
    shape : tuple of int
        Shape of one sample.
    n_tokens : int
        Above 0 a sample consists of tokens, integers from 0 to ``n_tokens - 1``.
    accepts_sparse : bool
        Whether the rows may be sparse: only products read them.
    axis : int, default=0
        Above 0 samples are sequences, the shape is that of a step, and this is the
        number of the axis of their steps.
    most_steps : int, default=0
        Above 0 no sequence may have more steps.
    """

    name: str
    shape: tuple[int, ...]
    n_tokens: int
    accepts_sparse: bool
    axis: int = 0
    most_steps: int = 0

    @property
    def kind(self) -> str:
        """``"numbers"`` or ``"tokens"``."""
        return "tokens" if self.n_tokens else "numbers"

    @cached_property
    def size(self) -> int:
        """Numbers or tokens in one sample, or in one step."""
        return prod(self.shape)


@dataclass(frozen=True)
class ColumnRange:
    """Named columns side by side.

    Parameters
    ----------
    name : str
    first : int
        Its first column.
    shape : tuple of int
        Shape of what a sample has in them.
    """

    name: str
    first: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return prod(self.shape)


@dataclass(frozen=True)
class Output(ColumnRange):
    """A named range of the columns of the predictions."""


@dataclass(frozen=True)
class Target(ColumnRange):
    """A named range of the columns of y.

    Parameters
    ----------
    name, first, shape
        As those of a :class:`ColumnRange`.
    n_classes : tuple of int
        When it holds class numbers, how many there are in each column of its last axis;
        else empty.
    """

    n_classes: tuple[int, ...]


@dataclass(frozen=True)
class LossTerm:
    """A loss with a report of its own.

    Parameters
    ----------
    name : str
    weight : float
        What it is multiplied by in the sum that is minimised.
    """

    name: str
    weight: float


@dataclass(frozen=True, eq=False)
class Plan:
    """What a network does, forward and backward, for samples of one shape.

    A plan is immutable, holds no pointers and no weights, and serves every batch size.
    :class:`fastnn.plan.tape.Tape` writes it; an engine walks it.

    Parameters
    ----------
    ops : ndarray of records
        Forward and backward, in the order of execution.
    tensors : ndarray of records
        Where every value that an op reads or writes is kept.
    blocks : ndarray of records
        Ranges of the flat parameter buffer that are updated alike.
    parameters : tuple of Parameter
        Names, shapes and initial values, in the order of the flat buffer.
    n_parameters : int
        Length of the flat buffer. Parameters are aligned in it; the gaps stay zero.
    train_size, predict_size : int
        Numbers that the activations of one sample take, in training and at predict.
    train_sizes_of_steps, predict_sizes_of_steps : tuple of int
        The same of one step, for each axis of steps.
    output : int
        Number of the tensor that holds the predictions, all outputs side by side.
    inputs : tuple of Input
        What is read, at least one.
    targets : tuple of Target
        What the columns of the encoded y are.
    outputs : tuple of Output
        What the columns of the predictions are.
    losses : tuple of LossTerm
        The terms of what is minimised, numbered as the ops name them.
    statistic_size : int
        Numbers that statistics of rows take, whatever the number of samples.
    functions : tuple of callable
        Losses and augmentations that are Python functions, numbered as the ops call
        them.
    params : ndarray of int64
        Integers that are an op's own, from the place that its record names on.
    n_gradients : int
        Length of the flat buffer of gradients: the first so many parameters. Behind
        them are the tables whose gradients are rows.
    row_gradients : ndarray of records
        The uses of these tables, of which their gradients are made.
    """

    ops: NDArray
    tensors: NDArray
    blocks: NDArray
    parameters: tuple[Parameter, ...]
    n_parameters: int
    train_size: int
    predict_size: int
    train_sizes_of_steps: tuple[int, ...]
    predict_sizes_of_steps: tuple[int, ...]
    output: int
    inputs: tuple[Input, ...]
    targets: tuple[Target, ...]
    outputs: tuple[Output, ...]
    losses: tuple[LossTerm, ...]
    statistic_size: int
    functions: tuple[Callable[..., Any], ...]
    params: NDArray
    n_gradients: int
    row_gradients: NDArray

    @cached_property
    def draws_masks(self) -> bool:
        """Whether training draws random numbers: masks or noise."""
        return _any_is(self.ops, "random")

    @cached_property
    def needs_whole_batches(self) -> bool:
        """Whether training takes all rows of a mini-batch together.

        An op may look at all of them, and gradients that are rows lie among the
        activations until the update.
        """
        looks = _any_is(self.ops_of("train"), "whole_batch")
        return looks or len(self.row_gradients) > 0

    @cached_property
    def frozen(self) -> list[slice]:
        """Places in the flat buffer of what no step of training changes."""
        blocks = self.blocks
        fixed = blocks[(blocks["trainable"] == 0) & (blocks["running"] == 0)]
        return [slice(b["offset"], b["offset"] + b["size"]) for b in fixed]

    @cached_property
    def masks_steps_of_inputs(self) -> bool:
        """Whether steps are masked by the numbers that an input has there."""
        ops = self.ops[self.ops["kind"] == KINDS["value_mask"]]
        spaces = self.tensors["space"][ops["input"][:, 0]]
        return bool((spaces == SPACES["input"]).any())

    @cached_property
    def n_inputs(self) -> int:
        """Numbers in one sample, of all inputs that are no sequences."""
        return sum(each.size for each in self.inputs if not each.axis)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample of the first input, which is often all there is."""
        return self.inputs[0].shape

    @property
    def accepts_sparse(self) -> bool:
        """Whether the first input may be sparse."""
        return self.inputs[0].accepts_sparse

    @cached_property
    def reads_one_table(self) -> bool:
        """Whether X is a table of numbers, and none has another name."""
        (first, *others) = self.inputs
        return not others and (first.name, first.kind, first.axis) == (
            "X",
            "numbers",
            0,
        )

    @cached_property
    def sequences(self) -> tuple[Input, ...]:
        """The inputs that are sequences, each of lengths of its own: axis 1 first."""
        return tuple(each for each in self.inputs if each.axis)

    @cached_property
    def n_outputs(self) -> int:
        """Numbers in one prediction."""
        return sum(output.size for output in self.outputs)

    @cached_property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one prediction: that of the only output, or numbers in a row."""
        return self.outputs[0].shape if len(self.outputs) == 1 else (self.n_outputs,)

    @cached_property
    def target_columns(self) -> int:
        """Columns of the encoded y."""
        return sum(target.size for target in self.targets)

    def losses_of(self, target: Target) -> list[int]:
        """Numbers of the losses that read a target."""
        ops = self.ops[np.isin(self.ops["kind"], LOSS_KINDS)]
        read = self.tensors[ops["input"][:, 1]]
        last = target.first + target.size
        reads = (read["first"] >= target.first) & (read["first"] < last)
        reads &= read["space"] == SPACES["target"]
        return sorted(set(map(int, ops["loss"][reads])))

    def ops_of(self, phase: str) -> NDArray:
        """The ops of one phase, in order.

        Parameters
        ----------
        phase : {"train", "predict", "evaluate"}
        """
        return self.ops[self.ops["phase"] & PHASES[phase] != 0]

    def largest_product(self) -> int:
        """The most multiplications of one sample in a single product of training."""
        ops = self.ops_of("train")
        products = ops[ops["kind"] == KINDS["product"]]
        return int(products["dim"][:, 1:].prod(axis=1).max(initial=0))

    def works_on_places(self) -> bool:
        """Whether most of a step's work is on many places of each sample.

        That is so of convolutions and of layers of sequences: a few samples fill their
        products.
        """
        ops = self.ops_of("train")
        work = _work(ops)
        by_rows = ops["per_sample"] == 1 << 1
        of_steps = np.maximum(ops["axis"], ops["across"]) > 0
        many = of_steps | (ops["dim"][:, 1] > MANY_PLACES)
        return bool(2 * work[by_rows & many].sum() > work.sum())

    def mostly_moves(self, steps: Sequence[float] = ()) -> bool:
        """Whether most of a step's work is none that multiplies much.

        That is so of the mean of what tokens are looked up as, and of other networks
        whose ops read numbers, and write others, a few of these for each.

        Parameters
        ----------
        steps : sequence of float, default=()
            How many a sample has on each axis of steps.
        """
        ops = self.ops_of("train")
        work = _work(ops) * _times(ops, steps)
        multiplies = np.isin(ops["kind"], [KINDS[kind] for kind in MULTIPLYING])
        return bool(2 * work[~multiplies].sum() > work.sum())

    def operations(self, phase: str, steps: Sequence[float] = ()) -> int:
        """Floating-point operations of one sample.

        Those of products are counted. Other ops count as the product that takes as
        long, by the table of ops.

        Parameters
        ----------
        phase : {"train", "predict", "evaluate"}
        steps : sequence of float, default=()
            How many a sample has on each axis of steps.
        """
        ops = self.ops_of(phase)
        ops = ops[ops["per_sample"] != 0]  # what is done once for all samples is little
        return int(2 * (_work(ops) * _times(ops, steps)).sum())

    def without_link(self) -> "Plan":
        """The same plan, but for what makes predictions of raw outputs."""
        is_link = self.ops["phase"] == PHASES["predict"]
        link = self.ops[is_link]
        read = int(link["input"][0][0]) if len(link) else self.output
        base = int(self.tensors["base"][read])
        raw = read if base < 0 else base
        return replace(self, ops=self.ops[~is_link], output=raw)

    def link(self) -> "Plan":
        """What makes predictions of raw outputs, in place; without ops if they are."""
        link = self.ops[self.ops["phase"] == PHASES["predict"]]
        tensors = self.tensors.copy()
        for number in (self.output, self.without_link().output):
            own = (tensors["base"] == number) | (np.arange(len(tensors)) == number)
            tensors["space"][own] = SPACES["activation"]
            tensors["predict_offset"][own] = 0
        return replace(self, ops=link, tensors=tensors, predict_size=self.n_outputs)

    def initialize(
        self, random_state: np.random.RandomState, dtype: DTypeLike
    ) -> NDArray:
        """Flat buffer of initial values.

        Parameters
        ----------
        random_state : RandomState
            Drawn from in float64, parameter by parameter in the order of the buffer.
        dtype : dtype
            What the values are then rounded to.

        Returns
        -------
        flat : ndarray of shape (n_parameters,)
        """
        flat = aligned_zeros(self.n_parameters, dtype)
        for parameter, view in zip(self.parameters, self.views(flat), strict=True):
            view[...] = parameter.initializer.draw(
                parameter.shape, parameter.fan_in, parameter.fan_out, random_state
            )
        return flat

    def views(self, flat: NDArray) -> list[NDArray]:
        """The parameters as arrays of their shapes that share memory with ``flat``."""
        return [
            flat[p.offset : p.offset + p.size].reshape(p.shape) for p in self.parameters
        ]


def _any_is(ops: NDArray, flag: str) -> bool:
    """Whether a flag of the table of ops is set for the kind of any of these."""
    return bool((OP_FLAGS[ops["kind"]] & FLAGS[flag]).any())


def _times(ops: NDArray, steps: Sequence[float]) -> NDArray:
    """How often a sample has what each op works on: once, or at each of its steps."""
    return np.array([1, *steps])[np.maximum(ops["axis"], ops["across"])]


def _work(ops: NDArray) -> NDArray:
    """What each op costs for a sample: multiplications that take as long."""
    return OP_COSTS[ops["kind"]] * ops["dim"].prod(axis=1)
