"""The layer that goes through sequences in both directions."""

from functools import reduce
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.layers.base import Layer
from fastnn.layers.recurrent import Recurrent
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


class Bidirectional(Layer):
    """Two recurrent layers, of which one takes the steps from the last to the first.

    Each has weights of its own. With ``return_sequences`` what comes out of a step is
    known from all steps before it and from all behind it; else it is the last state of
    both, that of the second being the one at the first step.

    Parameters
    ----------
    layer : LSTM, GRU or SimpleRNN
        What both are, with ``go_backwards=False``.
    merge_mode : {"concat", "sum", "mul", "ave"} or None, default="concat"
        How what both give becomes one value: side by side, the forward one first, or as
        a sum, a product or a mean. None gives the two by name, "forward" and
        "backward".
    trainable : bool, default=True
        Whether the layers are trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside that of the layer.

    References
    ----------
    Schuster, M., and Paliwal, K. K. "Bidirectional recurrent neural networks". IEEE
    Transactions on Signal Processing 45, 1997.

    Examples
    --------
    >>> from fastnn.layers import LSTM, Bidirectional
    >>> Bidirectional(LSTM(64, return_sequences=True)).output_shape((100, 32))
    (100, 128)
    """

    _takes_sequences = True
    _masks = "uses"
    _parameter_constraints: ClassVar[dict] = {
        "layer": "no_validation",  # _checked does it
        "merge_mode": [StrOptions({"concat", "sum", "mul", "ave"}), None],
        **Layer._of_training,
    }

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str | None = "concat",
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.layer = layer
        self.merge_mode = merge_mode
        self.trainable = trainable
        self.learning_rate = learning_rate

    @property
    def many_outputs(self) -> bool:
        """Whether it gives two values by name."""
        return self.merge_mode is None

    def _checked(self) -> Recurrent:
        """The layer.

        Raises
        ------
        TypeError
            If it is none that has a direction.
        ValueError
            If it goes backwards by itself.
        """
        if not isinstance(self.layer, Recurrent):
            raise TypeError(
                "layer of a Bidirectional must be an LSTM, a GRU or a SimpleRNN, got "
                f"{self.layer!r}."
            )
        if self.layer.go_backwards:
            raise ValueError(
                "the layer of a Bidirectional goes forwards, and a copy of it "
                f"backwards: set go_backwards=False, got {self.layer!r}."
            )
        return self.layer

    def output_shape(self, input_shape: tuple[int, ...]) -> Any:
        """Those of both layers, merged; see :meth:`Layer.output_shape`.

        Raises
        ------
        ValueError
            If the layer cannot take the shape.
        """
        shape = self._checked().output_shape(input_shape)
        if self.merge_mode is None:
            return {"forward": shape, "backward": shape}
        if self.merge_mode == "concat":
            return (*shape[:-1], 2 * shape[-1])
        return shape

    def lower(self, tape: Tape, x: Tensor, name: str) -> Any:
        """Write both layers, and what merges them; see :meth:`Layer.lower`."""
        self._validate_params()
        layer = self._checked()
        returns = "as_input" if layer.return_sequences else "last"
        with tape.part(layer.trainable, layer.learning_rate):
            both = {
                way: layer.write(
                    tape,
                    x,
                    f"{name}/{way}",
                    backwards=way == "backward",
                    returns=returns,
                )
                for way in ("forward", "backward")
            }
        if self.merge_mode is None:
            return both
        y = reduce(lambda a, b: self._merged(tape, a, b), both.values())
        return tape.masked(y, tape.mask_of(both["forward"]))

    def _merged(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        if self.merge_mode == "concat":
            return ops.concatenate(tape, [a, b])
        if self.merge_mode == "mul":
            return ops.multiply(tape, a, b)
        y = ops.broadcast_add(tape, a, b)
        return ops.scale(tape, y, 0.5) if self.merge_mode == "ave" else y
