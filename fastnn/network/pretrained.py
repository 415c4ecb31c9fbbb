"""Parts that start from weights which were trained before."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Part
from fastnn.network.base import OnePart
from fastnn.network.checks import check_gives_one, check_takes_one
from fastnn.network.wiring import Apply
from fastnn.plan.tape import Tape


class Weights(dict[str, NDArray]):
    """Arrays by the names of parameters, shown as how many numbers they are.

    A dict in all else: what is printed of a network that holds one stays short.

    Parameters
    ----------
    weights : dict of str to ndarray, default=()
    """

    def __init__(self, weights: Mapping[str, NDArray] | tuple[()] = ()):
        super().__init__(weights)

    def __repr__(self) -> str:
        return f"<{sum(np.size(each) for each in self.values())} weights>"


class Pretrained(OnePart):
    """A part whose weights start as they were trained before.

    ``extract`` of a fitted estimator makes it; it goes into other networks, is cloned,
    searched and pickled as any part. With ``trainable=False`` the weights stay as they
    are, with a small ``learning_rate`` they are fine-tuned.

    Parameters
    ----------
    part : Layer or Network
        What has the weights.
    weights : dict of str to ndarray
        Initial values by the names of the part's parameters, running statistics
        included: "dense/kernel" of a network, "kernel" of a layer. Others are drawn by
        their initializers.
    trainable : bool, default=True
        Whether the part is trained any further.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the part.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier, Sequential
    >>> from fastnn.layers import Dense
    >>> X, y = load_digits(return_X_y=True)
    >>> block = Sequential([Dense(32, "relu"), Dense(16, "relu")])
    >>> first = NeuralNetClassifier(Sequential([("block", block)]), random_state=0)
    >>> block = first.fit(X[y < 5], y[y < 5]).extract("block")
    >>> block.trainable = False
    >>> second = NeuralNetClassifier(Sequential([("block", block)]), random_state=0)
    >>> second = second.fit(X[y > 4], y[y > 4])
    >>> bool((second.coefs_[0] == block.weights["dense/kernel"]).all())
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "part": "no_validation",  # named_parts does it
        "weights": [dict],
        **Part._of_training,
    }

    def __init__(
        self,
        part: Part,
        weights: Mapping[str, NDArray],
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.part = part
        self.weights = weights
        self.trainable = trainable
        self.learning_rate = learning_rate

    def forward(self, x: Any, apply: Apply) -> Any:
        """Apply the part; see :meth:`Network.forward`."""
        ((name, part),) = self.named_parts()
        check_takes_one(part, "the part of Pretrained")
        check_gives_one(part, "the part of Pretrained")
        return apply(name, part, x)

    def lower(self, tape: Tape, x: Any, name: str = "") -> Any:
        """Write the ops of the part, whose parameters start as they are given."""
        self._validate_params()
        way = f"{name}/part/" if name else "part/"
        values = {f"{way}{key}": np.asarray(each) for key, each in self.weights.items()}
        with tape.given(values):
            return super().lower(tape, x, name)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        if not isinstance(self.weights, Mapping):  # refused where it is used
            return f"Pretrained({self.part!r}, {self.weights!r})"
        return f"Pretrained({self.part!r}, {Weights(self.weights)!r})"


def forget_weights(part: Part) -> bool:
    """Take the initial weights out of a network, which has others by now.

    Its parameters keep their names. What is no weights is refused elsewhere.

    Parameters
    ----------
    part : Part
        Changed in place, with all parts within it.

    Returns
    -------
    forgot : bool
        Whether there were some.
    """
    forgot = False
    if isinstance(part, Pretrained) and isinstance(part.weights, Mapping):
        forgot = bool(part.weights)
        part.weights = {}
    for _, each in part.named_parts():
        forgot |= forget_weights(each)
    return forgot
