"""What every layer is: a description that can write itself down as ops."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator

from fastnn.lowering import Lowering, Tensor


class Layer(BaseEstimator, ABC):
    """Base class of the layers.

    A layer holds its constructor arguments and nothing else: no weights, no shapes, no
    device. One object may therefore stand in several networks.
    """

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
    def lower(self, lowering: Lowering, x: Tensor, name: str) -> Tensor:
        """Write the layer's ops.

        Parameters
        ----------
        lowering : Lowering
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
