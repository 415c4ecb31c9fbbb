"""The output layer of a network: the user's own, or one that fits the targets."""

from typing import Any

from sklearn.base import clone

from fastnn.layers import Activation, Dense, Layer
from fastnn.layers.activation import activation_name
from fastnn.network import Sequential


def ends_in_softmax(network: Sequential | None) -> bool:
    """Whether the user has ended the network with a softmax over outputs."""
    return (
        network is not None
        and bool(network.layers)
        and _activation(network.named_layers()[-1][1]) == "softmax"
    )


def with_raw_outputs(network: Sequential, n_outputs: int, link: str) -> Sequential:
    """A copy of the network that ends in the raw outputs, before the loss's link.

    The last layer is the output layer if it is dense and linear, or ends in a softmax,
    or ends in the link and has as many units as are needed; an :class:`Activation`
    behind a linear layer counts as a part of it. The link is a part of the loss, so it
    is taken off. Behind anything else an output layer is added.

    Parameters
    ----------
    network : Sequential
        What the user describes.
    n_outputs : int
        Outputs that the targets call for.
    link : str
        What the loss makes of raw outputs.

    Returns
    -------
    network : Sequential

    Raises
    ------
    ValueError
        If the last layer is the output layer, and does not fit.
    """
    network = clone(network)
    layers = list(network.layers)
    named = network.named_layers()
    if not layers:
        return Sequential([Dense(n_outputs)])
    activation = _activation(named[-1][1])
    if isinstance(named[-1][1], Activation) and len(layers) > 1:
        before = named[-2][1]
        linear = isinstance(before, Dense) and _activation(before) == "identity"
        if linear and activation in (link, "softmax"):
            layers.pop()
            named.pop()
    name, last = named[-1]
    if not isinstance(last, Dense):
        return Sequential([*layers, Dense(n_outputs)])
    fits = last.units == n_outputs
    if activation not in ("identity", "softmax") and not (activation == link and fits):
        return Sequential([*layers, Dense(n_outputs)])
    if not fits:
        raise ValueError(
            f"the network's last layer, {name!r}, has {last.units} units and is "
            f"{'linear' if activation == 'identity' else activation}, so that it is "
            f"taken for the output layer, but y and the loss ask for {n_outputs} "
            "outputs. Set its units to that number, or leave it out: an output layer "
            "is then added."
        )
    if activation not in ("identity", link):
        raise ValueError(
            f"the network's last layer, {name!r}, ends in {activation}, but the loss "
            f"asks for {link}. Leave the activation of the last layer out, or choose "
            "another loss."
        )
    raw = clone(last).set_params(activation="identity")
    places = [place for place, (_, layer) in enumerate(named) if layer is last]
    if len(places) > 1 and activation != "identity":
        raise ValueError(
            f"layer {name!r} stands elsewhere in the network too and cannot be its "
            "output layer. Use a layer of its own for the output."
        )
    entry = layers[-1]
    if activation != "identity":
        layers[-1] = (entry[0], raw) if isinstance(entry, tuple) else raw
    return Sequential(layers)


def _activation(layer: Layer) -> Any:
    return activation_name(getattr(layer, "activation", ""))
