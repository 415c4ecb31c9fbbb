"""What parts within a fitted network give, as features."""

from abc import ABC, abstractmethod
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.device import Device
from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.extraction import part_of
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.output_layer import from_the_end, is_layer
from fastnn.layers import Dense
from fastnn.network import Network


class HiddenActivations(ABC):
    """Estimators that give the outputs of parts of their network."""

    n_jobs: int | None
    network: Any = None  # what the user describes, of estimators that have it
    _fitted: FittedNetwork

    def hidden_activations(self, X: Any, layer: int | str = -1) -> NDArray:
        """Outputs of a hidden layer, or of any part, as at predict: without dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        layer : int or str, default=-1
            Number of the hidden layer, from 0; negative numbers count from the last.
            They are the dense layers that follow one another before the output layer
            or the heads, in stacks within stacks too. Any other part has a name, as
            ``network.get_params()`` has it, "branches__numbers", or as its weights
            have, "branches/numbers".

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            float32 if X is and the weights are, otherwise float64. Where X is on a GPU,
            an array of its library there. Outputs of several axes are flattened.

        Raises
        ------
        ValueError
            If the network has no such hidden layer or part, or that gives several
            outputs.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier((10, 3), solver="lbfgs", tol=0.01, random_state=0)
        >>> model.fit(X, y).hidden_activations(X).shape
        (150, 3)
        """
        device = self._device_to_predict()
        checked = self._check_X(X, device)
        outputs = self._fitted.features(
            checked, self._place_of(layer), self.n_jobs, device
        )
        return as_array_of(X, outputs)

    def _place_of(self, layer: int | str) -> str:
        """The way to a hidden layer or a part of the fitted network."""
        network = self._fitted.network
        if not isinstance(layer, str):
            return _hidden_layer(network, layer)
        name = part_of(self._fitted, self.network, layer)
        part = network.get_params()[name]
        if part.many_outputs:
            heads = [f"{name}__{head}" for head, _ in part.named_parts()]
            raise ValueError(
                f"part {name!r} is {type(part).__name__}, which gives several outputs. "
                f"Name one of its parts: {heads}."
            )
        return name.replace("__", "/")

    @abstractmethod
    def _check_X(self, X: Any, device: Device | None) -> Any:
        """X for the fitted network on this device, checked."""

    @abstractmethod
    def _device_to_predict(self) -> Device | None:
        """A GPU where there is one that predicts."""


def _hidden_layer(network: Network, number: Any) -> str:
    """The way to a dense layer of those that follow one another before the output."""
    if not isinstance(number, int | np.integer) or isinstance(number, bool):
        raise ValueError(
            "layer must be an integer, or the name of a part of the network, got "
            f"{number!r} ({type(number).__name__})."
        )
    places = list(from_the_end(network))
    layers = takewhile(is_layer, places[1:] if network.many_outputs else places)
    dense = [place.name for place in layers if isinstance(place.part, Dense)]
    hidden = dense[::-1] if network.many_outputs else dense[:0:-1]
    if not -len(hidden) <= number < len(hidden):
        names = [name for name, _ in network.named_parts()]
        raise ValueError(
            f"layer must be from {-len(hidden)} to {len(hidden) - 1} in a network of "
            f"{len(hidden)} hidden layers, got {number}."
            if hidden
            else "the network has no hidden layers right before its output, got "
            f"layer={number}. Name a part of the network, {names}, or one within "
            "these, or fit a network that has some."
        )
    return hidden[int(number)]
