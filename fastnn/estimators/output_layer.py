"""The output layer of a network: the user's own, or one that fits the targets."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, NamedTuple

from sklearn.base import clone

from fastnn.layers import ELU, Activation, Dense, LeakyReLU, PReLU
from fastnn.layers.activation import activation_name
from fastnn.layers.base import Part
from fastnn.network import Graph, Network, Pretrained, Sequential
from fastnn.network.base import ListedNetwork, OnePart
from fastnn.network.checks import check_gives_one
from fastnn.utils.same import says_the_same


def ends_in_softmax(network: Network | None) -> bool:
    """Whether the user has ended the network with a softmax over outputs."""
    end = None if network is None else next(from_the_end(network), None)
    return end is not None and _activation(end.part) == "softmax"


def with_outputs_of_numbers(network: Network, n_outputs: int, link: str) -> Network:
    """A copy of the network of a regressor, with an output layer.

    What ends in as many units as there are outputs is the output, whatever its
    activation, which bounds predictions. A loss without a link is taken of what the
    activation makes; one with a link of its own goes with that or with none.

    Parameters
    ----------
    network : Network
        What the user describes.
    n_outputs : int
        Outputs that the targets call for.
    link : str
        What the loss makes of raw outputs.

    Returns
    -------
    network : Network

    Raises
    ------
    ValueError
        If the last layer is the output layer, and does not fit.
    """
    network = clone(network)
    return give_outputs_of_numbers(network, n_outputs, link, network)


def give_outputs_of_numbers(
    network: Network, n_outputs: int, link: str, whole: Part
) -> Network:
    """As :func:`with_outputs_of_numbers`, of a part of a network that may be changed.

    Parts stay the same objects, so that those which stand in several places of the
    whole network still do.
    """
    end = _end(network)
    if end is None or end.dense.units != n_outputs:
        return give_raw_outputs(network, n_outputs, link, whole)
    if end.activation in ("identity", link):
        return give_raw_outputs(network, n_outputs, link, whole)
    if link == "identity":
        return network
    raise _contradiction(end, link)


def with_raw_outputs(network: Network, n_outputs: int, link: str) -> Network:
    """A copy of the network that ends in the raw outputs, before the loss's link.

    What ends in a dense layer, or in an activation somewhere behind one, ends in the
    output if it is linear or a softmax, or has as many units as are needed and a
    sigmoid, the link or one unit. The link is a part of the loss, so it is taken off.
    Behind anything else an output layer is added, and behind what a Pretrained ends in,
    unless that has as many units as are needed: its weights say how many it has.

    Parameters
    ----------
    network, n_outputs, link
        As those of :func:`with_outputs_of_numbers`.

    Returns
    -------
    network : Network

    Raises
    ------
    ValueError
        If the last layer is the output layer, and does not fit.
    """
    network = clone(network)
    return give_raw_outputs(network, n_outputs, link, network)


def give_raw_outputs(
    network: Network, n_outputs: int, link: str, whole: Part
) -> Network:
    """As :func:`with_raw_outputs`, of a part of a network that may be changed."""
    end = _end(network)
    if end is None:
        return _with_output_layer(network, n_outputs, whole)
    fits = end.dense.units == n_outputs
    means_outputs = end.activation in (link, "logistic") or n_outputs == 1
    if end.activation not in ("identity", "softmax") and not (fits and means_outputs):
        return _with_output_layer(network, n_outputs, whole)
    if end.pretrained and not fits:
        return _with_output_layer(network, n_outputs, whole)
    if not fits:
        raise ValueError(
            f"the network's last dense layer, {end.name!r}, has {end.dense.units} "
            f"units and is {_described(end.activation)}, so that it is taken for the "
            f"output layer, but y and the loss ask for {_counted(n_outputs)}. Set its "
            "units to that number, or leave it out: an output layer is then added."
        )
    if end.activation not in ("identity", link):
        raise _contradiction(end, link)
    if end.activation != "identity":
        _take_activation_off(network, end, whole)
    return network


class _Place(NamedTuple):
    """A place of a part in a network: that, or one within it, which lists the part."""

    network: ListedNetwork | OnePart
    position: int
    name: str
    part: Part
    pretrained: bool


def from_the_end(
    network: Part, way: str = "", pretrained: bool = False
) -> Iterator[_Place]:
    """Parts that follow one another at the end of a network, from the last on.

    Stacks, and graphs as far as they are one, are those of their parts, and so is what
    is pretrained. Of what comes before the first other network, or node that merges,
    nothing is to be said.
    """
    chain = list(enumerate(network.named_parts()))
    if isinstance(network, Graph) and not network.many_outputs:
        reads, names = network.reads(), network.output_names()
        while len(sources := reads[names[0]]) == 1 and sources[0] in reads:
            names.insert(0, sources[0])
        places = {name: (position, (name, part)) for position, (name, part) in chain}
        chain = [places[name] for name in names]
    elif not isinstance(network, Sequential | Pretrained):
        return
    pretrained = pretrained or isinstance(network, Pretrained)
    for position, (name, part) in reversed(chain):
        if isinstance(part, Sequential | Graph | Pretrained):
            yield from from_the_end(part, f"{way}{name}/", pretrained)
        else:
            yield _Place(network, position, way + name, part, pretrained)


class _End(NamedTuple):
    """The last dense layer of a network, and the activation that ends it all."""

    name: str
    dense: Dense
    activation: str
    pretrained: bool


def is_layer(place: _Place) -> bool:
    """Whether a layer of one input stands there, and no network."""
    return not isinstance(place.part, Network) and not place.part.many_inputs


def _end(network: Network) -> _End | None:
    """None where the network ends in something else than a dense layer's numbers."""
    if network.many_outputs:
        raise ValueError(
            "the network has several outputs, where one is asked for. Take a network "
            "of one output, or pass y with a column for each."
        )
    places = list(from_the_end(network))
    for place in places:
        check_gives_one(place.part, f"{place.name!r}, not the last of the network,")
    stack = list(takewhile(is_layer, places))
    dense = [place for place in stack if isinstance(place.part, Dense)]
    if not dense or not isinstance(
        stack[0].part, Dense | Activation | ELU | LeakyReLU | PReLU
    ):
        return None
    name, last = dense[0].name, dense[0].part
    assert isinstance(last, Dense)
    last._validate_params()  # what is decided here depends on it
    return _End(name, last, _activation(stack[0].part), dense[0].pretrained)


def _with_output_layer(network: Network, n_outputs: int, whole: Part) -> Network:
    """The same with a linear output layer, which is trained whatever the network says.

    What a stack says is said by its layers instead, which keep their names. Where that
    cannot be, because one of them stands elsewhere too, and of networks that are no
    stack, the whole is one layer.
    """
    output = Dense(n_outputs)
    if not isinstance(network, Sequential):
        return Sequential([network, output])
    parts = {id(part): part for _, part in network.named_parts()}
    if any(id(part) in parts for each in parts.values() for part in _within(each)):
        return Sequential([network, output])
    if not say_by_parts(network, whole):
        return Sequential([network, output])
    return Sequential([*network.layers, output])


def _within(part: Part) -> Iterator[Part]:
    """Parts of a part, and of these, one for each place."""
    for _, each in part.named_parts():
        yield each
        yield from _within(each)


def say_by_parts(network: Network, whole: Part) -> bool:
    """Let parts say of their training what their network says, which then says nothing.

    What is added to the network, or within it, is trained whatever that said. False
    where it cannot be, because a part stands elsewhere in the whole network too.
    """
    if network.trainable is True and says_the_same(network.learning_rate, 1.0):
        return True
    network._validate_params()
    parts = {id(part): part for _, part in network.named_parts()}
    if _n_places(whole, *parts.values()) > len(network.named_parts()):
        return False
    for part in parts.values():
        if "learning_rate" in part.get_params(deep=False):
            part._validate_params()
        part.trainable = bool(part.trainable and network.trainable)
        part.learning_rate = part.learning_rate * network.learning_rate
    network.trainable, network.learning_rate = True, 1.0
    return True


def _n_places(whole: Part, *parts: Part) -> int:
    """In how many places of a network, or as the network, one of these parts stands."""
    return sum(any(each is part for part in parts) for each in (whole, *_within(whole)))


def _take_activation_off(network: Network, end: _End, whole: Part) -> None:
    """Leave the activation at the end out."""
    last = next(from_the_end(network))
    is_dense = isinstance(last.part, Dense)
    changed = last.part if is_dense else last.network
    if _n_places(whole, changed) > 1:
        raise ValueError(
            f"layer {end.name!r} stands elsewhere in the network too and cannot be its "
            "output layer. Use a layer of its own for the output."
        )
    if isinstance(last.part, Dense):
        raw = clone(last.part).set_params(activation="identity")
        last.network.put(last.position, raw)
    elif isinstance(last.network, Sequential):
        layers = list(last.network.layers)
        del layers[last.position]
        last.network.layers = layers
    else:
        last.network.put(last.position, Activation("identity"))


def _contradiction(end: _End, link: str) -> ValueError:
    asked = "no activation" if link == "identity" else link
    return ValueError(
        f"the network ends in {_described(end.activation)} behind its last dense layer "
        f"{end.name!r}, which has as many units as y and the loss ask for and is taken "
        f"for the output layer, but the loss asks for {asked}. Leave the last "
        "activation out, or choose another loss."
    )


def _activation(layer: Part) -> Any:
    if isinstance(layer, ELU | LeakyReLU | PReLU):
        return type(layer).__name__
    if isinstance(layer, Dense | Activation):
        layer._validate_params()
    return activation_name(getattr(layer, "activation", ""))


def _counted(n_outputs: int) -> str:
    return "one output" if n_outputs == 1 else f"{n_outputs} outputs"


def _described(activation: str) -> str:
    return "linear" if activation == "identity" else activation


# Names of out_activation_ where scikit-learn's differ from those of the table.
_SKLEARN_NAMES = {"exponential": "exp"}


def sklearn_name(link: Any) -> Any:
    """scikit-learn's name of a link, or those of several heads' by their names."""
    if isinstance(link, dict):
        return {head: sklearn_name(own) for head, own in link.items()}
    return _SKLEARN_NAMES.get(link, link)
