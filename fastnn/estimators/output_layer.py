"""The output layer of a network: the user's own, or one that fits the targets."""

from typing import Any, NamedTuple

from sklearn.base import clone

from fastnn.layers import ELU, Activation, Dense, Layer, LeakyReLU, PReLU
from fastnn.layers.activation import activation_name
from fastnn.network import Sequential
from fastnn.utils.same import says_the_same


def ends_in_softmax(network: Sequential | None) -> bool:
    """Whether the user has ended the network with a softmax over outputs."""
    return (
        network is not None
        and bool(network.layers)
        and _activation(network.named_layers()[-1][1]) == "softmax"
    )


def with_outputs_of_numbers(
    network: Sequential, n_outputs: int, link: str
) -> Sequential:
    """A copy of the network of a regressor, with an output layer.

    What ends in as many units as there are outputs is the output, whatever its
    activation, which bounds predictions. A loss without a link is taken of what the
    activation makes; one with a link of its own goes with that or with none.

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
    end = _end(network)
    if end is None or end.dense.units != n_outputs:
        return with_raw_outputs(network, n_outputs, link)
    if end.activation in ("identity", link):
        return with_raw_outputs(network, n_outputs, link)
    if link == "identity":
        return clone(network)
    raise _contradiction(end, link)


def with_raw_outputs(network: Sequential, n_outputs: int, link: str) -> Sequential:
    """A copy of the network that ends in the raw outputs, before the loss's link.

    What ends in a dense layer, or in an activation somewhere behind one, ends in the
    output if it is linear or a softmax, or has as many units as are needed and a
    sigmoid, the link or one unit. The link is a part of the loss, so it is taken off.
    Behind anything else an output layer is added.

    Parameters
    ----------
    network, n_outputs, link
        As those of :func:`with_outputs_of_numbers`.

    Returns
    -------
    network : Sequential

    Raises
    ------
    ValueError
        If the last layer is the output layer, and does not fit.
    """
    end = _end(network)
    if end is None:
        return _with_output_layer(network, n_outputs)
    fits = end.dense.units == n_outputs
    means_outputs = end.activation in (link, "logistic") or n_outputs == 1
    if end.activation not in ("identity", "softmax") and not (fits and means_outputs):
        return _with_output_layer(network, n_outputs)
    if not fits:
        raise ValueError(
            f"the network's last dense layer, {end.name!r}, has {end.dense.units} "
            f"units and is {_described(end.activation)}, so that it is taken for the "
            f"output layer, but y and the loss ask for {n_outputs} outputs. Set its "
            "units to that number, or leave it out: an output layer is then added."
        )
    if end.activation not in ("identity", link):
        raise _contradiction(end, link)
    return _without_activation(network, end)


class _End(NamedTuple):
    """The last dense layer of a network, and the activation that ends it all."""

    name: str
    dense: Dense
    activation: str


def _end(network: Sequential) -> _End | None:
    """None where the network ends in something else than a dense layer's numbers."""
    named = network.named_layers()
    dense = [(name, layer) for name, layer in named if isinstance(layer, Dense)]
    if not dense or not isinstance(
        named[-1][1], Dense | Activation | ELU | LeakyReLU | PReLU
    ):
        return None
    name, last = dense[-1]
    last._validate_params()  # what is decided here depends on it
    return _End(name, last, _activation(named[-1][1]))


def _with_output_layer(network: Sequential, n_outputs: int) -> Sequential:
    """A copy with a linear output layer, which is trained whatever the network says.

    What it says is said by its layers instead.
    """
    layers = list(clone(network).layers)
    if network.trainable is not True or not says_the_same(network.learning_rate, 1.0):
        network._validate_params()
        parts = {id(part): part for _, part in Sequential(layers).named_layers()}
        for layer in parts.values():
            if "learning_rate" in layer.get_params():
                layer._validate_params()
            layer.trainable = bool(layer.trainable and network.trainable)
            layer.learning_rate = layer.learning_rate * network.learning_rate
    return Sequential([*layers, Dense(n_outputs)])


def _without_activation(network: Sequential, end: _End) -> Sequential:
    """A copy without the activation at the end."""
    if end.activation == "identity":
        return clone(network)
    if not isinstance(network.named_layers()[-1][1], Dense):
        return clone(network).set_params(layers=clone(network).layers[:-1])
    places = [layer for _, layer in network.named_layers() if layer is end.dense]
    if len(places) > 1:
        raise ValueError(
            f"layer {end.name!r} stands elsewhere in the network too and cannot be its "
            "output layer. Use a layer of its own for the output."
        )
    layers = list(clone(network).layers)
    raw = clone(end.dense).set_params(activation="identity")
    layers[-1] = (end.name, raw) if isinstance(layers[-1], tuple) else raw
    return clone(network).set_params(layers=layers)


def _contradiction(end: _End, link: str) -> ValueError:
    asked = "no activation" if link == "identity" else link
    return ValueError(
        f"the network ends in {_described(end.activation)} behind its last dense layer "
        f"{end.name!r}, which has as many units as y and the loss ask for and is taken "
        f"for the output layer, but the loss asks for {asked}. Leave the last "
        "activation out, or choose another loss."
    )


def _activation(layer: Layer) -> Any:
    if isinstance(layer, ELU | LeakyReLU | PReLU):
        return type(layer).__name__
    if isinstance(layer, Dense | Activation):
        layer._validate_params()
    return activation_name(getattr(layer, "activation", ""))


def _described(activation: str) -> str:
    return "linear" if activation == "identity" else activation
