"""The layers that go through the steps of a sequence with a state."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import ClassVar

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from fastnn.initializers import (
    Initializer,
    Orthogonal,
    as_initializer,
)
from fastnn.layers.activation import activation_name
from fastnn.layers.base import Layer
from fastnn.layers.dropout import resolved
from fastnn.layers.kernel import (
    INITIALIZER,
    KERNEL_CONSTRAINTS,
    MOST_UNITS,
    REGULARIZER,
    bias_of,
    kernel_of,
)
from fastnn.layers.windows import check_rank, check_size
from fastnn.plan import ops
from fastnn.plan.ops.recurrent import GATES, RECURRENT_ACTIVATIONS
from fastnn.plan.tables import ACTIVATION_ALIASES, ACTIVATION_DEFAULTS
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.regularizers import Regularizer
from fastnn.utils.plain_numbers import Interval

GATE_ACTIVATION = [
    StrOptions(
        {
            *RECURRENT_ACTIVATIONS,
            *(
                a
                for a, name in ACTIVATION_ALIASES.items()
                if name in RECURRENT_ACTIVATIONS
            ),
        }
    )
]
_RATE = [Interval(Real, 0, 1, closed="left")]


class Recurrent(Layer):
    """What recurrent layers share: a state that goes from step to step."""

    _takes_sequences = True
    _masks = "uses"
    _parameter_constraints: ClassVar[dict] = {
        **KERNEL_CONSTRAINTS,
        "units": [Interval(Integral, 1, MOST_UNITS, closed="both")],
        "activation": GATE_ACTIVATION,
        "return_sequences": ["boolean"],
        "go_backwards": ["boolean"],
        "dropout": _RATE,
        "recurrent_dropout": _RATE,
        "recurrent_initializer": INITIALIZER,
        "recurrent_regularizer": REGULARIZER,
    }

    units: int
    activation: str
    return_sequences: bool
    go_backwards: bool
    dropout: float
    recurrent_dropout: float
    use_bias: bool
    recurrent_initializer: Initializer | str | ArrayLike | None
    recurrent_regularizer: Regularizer | str | None

    @property
    @abstractmethod
    def _cell(self) -> str:
        """What happens at a step: a key of GATES."""

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The last state, or one for each step; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If samples have other axes than steps and features.
        """
        name = type(self).__name__
        check_rank(name, input_shape, 1)
        steps, units = input_shape[0], int(self.units)
        if steps is not None:
            check_size(name, (steps, GATES[self._cell] * units))
        return (steps, units) if self.return_sequences else (units,)

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the recurrence; see :meth:`Layer.lower`.

        Raises
        ------
        ValueError
            If there would be a mask of states that come out last step first.
        """
        if self.return_sequences and self.go_backwards and tape.mask_of(x) is not None:
            raise ValueError(
                f"{name!r}, {self!r}, would return the last of its steps first, but "
                "those that are masked are known in the order of its input. Put it "
                "into Bidirectional, which returns them in that order, or have no mask."
            )
        returns = "as_taken" if self.return_sequences else "last"
        return self.write(
            tape, x, name, backwards=bool(self.go_backwards), returns=returns
        )

    def write(
        self, tape: Tape, x: Tensor, name: str, *, backwards: bool, returns: str
    ) -> Tensor:
        """Write its ops for one direction.

        Parameters
        ----------
        tape : Tape
        x : Tensor
            What it takes.
        name : str
            Goes in front of the names of its parameters.
        backwards : bool
            Whether steps are taken from the last to the first.
        returns : {"last", "as_input", "as_taken"}
            The last state, or all in the order of x or in that of the steps.

        Returns
        -------
        y : Tensor
            States, with the mask of x where there is one for each of its steps.
        """
        self._validate_params()
        self.output_shape(shape_of_sample(x))
        mask, units = tape.mask_of(x), int(self.units)
        gates = GATES[self._cell] * units
        rate, recurrent_rate = map(resolved, (self.dropout, self.recurrent_dropout))
        if rate:
            x = ops.step_dropout(tape, x, rate, 1 / (1 - rate))
        dropped = None
        if recurrent_rate:
            scale = 1 / (1 - recurrent_rate)
            dropped = ops.dropped_factors(tape, units, recurrent_rate, scale)
        shape = x.shape[-1], gates
        kernel = kernel_of(self, tape, name, shape)
        recurrent_kernel = tape.parameter(
            f"{name}/recurrent_kernel",
            (units, gates),
            as_initializer(self.recurrent_initializer, Orthogonal()),
            fan_in=units,
            fan_out=gates,
            regularizer=self.recurrent_regularizer,
        )
        y = ops.recurrent(
            tape,
            self._cell,
            x,
            kernel,
            recurrent_kernel,
            self._bias(tape, name, shape) if self.use_bias else None,
            mask=mask,
            dropped=dropped,
            activations=self._activations(),
            backwards=backwards,
            returns=returns,
        )
        return y if returns == "last" else tape.masked(y, mask)

    def _activations(self) -> tuple[tuple[str, float], tuple[str, float]]:
        """That of values and that of gates, with their own options."""
        names = self.activation, getattr(self, "recurrent_activation", "identity")
        value, gate = map(activation_name, names)
        return (value, ACTIVATION_DEFAULTS[value]), (gate, ACTIVATION_DEFAULTS[gate])

    def _bias(self, tape: Tape, name: str, shape: tuple[int, int]) -> Tensor:
        return bias_of(self, tape, name, shape[1:], shape)
