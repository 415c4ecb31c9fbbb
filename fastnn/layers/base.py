"""What every layer is: a description that can write itself down as ops."""

from abc import ABC, abstractmethod
from functools import lru_cache
from numbers import Real
from types import FunctionType
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, clone

from fastnn.initializers import Zeros, as_initializer
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.regularizers import as_regularizer
from fastnn.utils.named_parts import with_objects
from fastnn.utils.plain_numbers import Interval


def _initializer(name: str) -> Any:
    return as_initializer(name, Zeros())


def _regularizer(name: str) -> Any:
    return clone(as_regularizer(name))


# Parameters of layers that may be a name.
_MAKERS = {
    "kernel_initializer": _initializer,
    "bias_initializer": _initializer,
    "recurrent_initializer": _initializer,
    "slope_initializer": _initializer,
    "embeddings_initializer": _initializer,
    "initializer": _initializer,
    "kernel_regularizer": _regularizer,
    "bias_regularizer": _regularizer,
    "recurrent_regularizer": _regularizer,
    "embeddings_regularizer": _regularizer,
}


def _copy_for(cls: type, inherited: FunctionType) -> FunctionType:
    """A method of a base class as if a class had it itself."""
    own = FunctionType(
        inherited.__code__, inherited.__globals__, inherited.__name__,
        inherited.__defaults__, inherited.__closure__,
    )  # fmt: skip
    own.__kwdefaults__, own.__doc__ = inherited.__kwdefaults__, inherited.__doc__
    own.__annotations__ = inherited.__annotations__
    own.__qualname__ = f"{cls.__qualname__}.{inherited.__name__}"
    return own


class Part(BaseEstimator, ABC):
    """What layers and networks of them share: they turn one value into another.

    A part knows the shape of what it gives, and writes itself down as ops. A few take
    several values, as a sequence, and a few give several, as a mapping by name.

    Attributes
    ----------
    trainable : bool
        Whether the weights are trained.
    learning_rate : float
        A factor on the optimizer's learning rate.
    many_inputs : bool
        Whether it takes several values.
    many_outputs : bool
        Whether it gives several values.
    """

    # Constraints of the parameters of these names.
    _of_training: ClassVar[dict] = {
        "trainable": ["boolean"],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }
    trainable: bool = True
    learning_rate: float = 1.0
    # Whether it takes a value for each step of sequences of different lengths: its ops
    # see one step after the other, as rows.
    _takes_sequences: ClassVar[bool] = False
    # What becomes of a mask of what it takes. "keeps": what it gives has the same one.
    # "uses": it asks the tape for it, and says itself what mask there is of what it
    # gives, if any. "loses": it cannot take what has one.
    _masks: ClassVar[str] = "loses"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        inherited = cls.__init__
        if "__init__" not in vars(cls) and isinstance(inherited, FunctionType):
            # Python's errors about arguments name the class that has the function.
            cls.__init__ = _copy_for(cls, inherited)  # type: ignore[method-assign]

    @property
    def many_inputs(self) -> bool:
        return False

    @property
    def many_outputs(self) -> bool:
        return False

    def named_parts(self) -> list[tuple[str, "Part"]]:
        """Names and parts of what this one is made of; a layer is made of none."""
        return []

    @abstractmethod
    def output_shape(self, input_shape: Any) -> Any:
        """Shape of what it gives for one sample, from that of what it takes.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample, or a sequence of such.

        Returns
        -------
        output_shape : tuple of int
            Or a dict of such.

        Raises
        ------
        ValueError
            If it cannot take this shape.
        """

    @abstractmethod
    def lower(self, tape: Tape, x: Any, name: str) -> Any:
        """Write its ops.

        Parameters
        ----------
        tape : Tape
            Takes the ops, and writes their adjoints.
        x : Tensor
            What it takes, or a sequence of such.
        name : str
            Goes in front of the names of its parameters.

        Returns
        -------
        y : Tensor
            What it gives, or a dict of such.
        """

    @classmethod
    @lru_cache(maxsize=64)
    def _get_param_names(cls) -> list[str]:
        # scikit-learn reads the signature each time, and small fits clone networks.
        return super()._get_param_names()

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Models that were saved before there were these parameters have none.
        names = self._of_training.keys() & self._get_param_names()
        missing = {name: getattr(Part, name) for name in names - state.keys()}
        super().__setstate__({**state, **missing})


class Layer(Part):
    """Base class of the layers.

    A layer holds its constructor arguments and nothing else: no weights, no shapes, no
    device. One object may therefore stand in several networks.

    Those with weights have the parameters ``trainable`` and ``learning_rate``, which
    the network reads when it writes the layer down.
    """

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also options of an initializer or a regularizer.

        Parameters
        ----------
        **params : dict
            Names and values, such as ``kernel_regularizer__l2=0.01``. A name becomes an
            object where an option of it is set.

        Returns
        -------
        self : Layer

        Raises
        ------
        ValueError
            If there is no such parameter, or it has no options.
        """
        return super().set_params(**with_objects(self, params, _MAKERS))

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output sample: that of the input, where no layer says otherwise.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one input sample.

        Returns
        -------
        output_shape : tuple of int
        """
        return input_shape

    @abstractmethod
    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the layer's ops.

        Parameters
        ----------
        tape : Tape
            Takes the ops, and writes their adjoints.
        x : Tensor
            The layer's input.
        name : str
            Goes in front of the names of the layer's parameters.

        Returns
        -------
        y : Tensor
            The layer's output.
        """
