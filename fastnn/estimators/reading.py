"""How a network reads X: what X is prepared for, and columns that branches select."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fastnn.estimators.data.inputs import Reader, Shape, column_names
from fastnn.estimators.data.sequences import Reading
from fastnn.layers import Masking
from fastnn.layers.base import Part
from fastnn.network import Network, Table, masks_zeros, readers_of, tokens_of


def reader_of(network: Network | None, shape: Shape | None = None) -> Reader:
    """How a network reads X.

    Parameters
    ----------
    network : Network or None
        None is one dense layer.
    shape : tuple or dict or None, default=None
        Shape of the samples that it was fitted with.
    """
    if network is None:
        return Reader(lambda _: {}, lambda _: False, shape)
    return Reader(partial(_readings, network), partial(_takes, network), shape)


def columns_of(
    X: Any, shape: Shape, names: Sequence[str] | None
) -> Table | dict[str, Table]:
    """X as branches ask for its columns, or each of its arrays.

    Parameters
    ----------
    X : object
        As the user passed it.
    shape : tuple or dict
        Of its samples, when they have been prepared.
    names : sequence of str or None
        Of the columns of a single table.
    """
    if not isinstance(shape, dict):
        return Table(shape[-1] or 1, names, X if hasattr(X, "columns") else None)
    tables = {}
    for name, each in shape.items():
        frame = X[name] if hasattr(X[name], "columns") else None
        tables[name] = Table(each[-1] or 1, column_names(X[name]), frame)
    return tables


def _readings(network: Network, names: list[str] | None) -> Mapping[str, Reading]:
    """How each input is read, by name."""
    tokens, padded = tokens_of(network, names), masks_zeros(network, names)
    return {
        name: Reading(tokens.get(name, 0), name in padded, _mask_value(layers))
        for name, layers in readers_of(network, names).items()
    }


def _mask_value(layers: list[tuple[str, Part]]) -> float | None:
    """What masks steps of an input in all places where it is read; None if nothing."""
    masks = [part for _, part in layers if isinstance(part, Masking)]
    values = {float(each.mask_value) for each in masks}
    only = len(masks) == len(layers) and len(values) == 1
    return values.pop() if only else None


def _takes(network: Network, shape: Shape) -> bool:
    """Whether a network takes samples of this shape."""
    try:
        network.output_shape(shape)
    except (TypeError, ValueError):
        return False
    return True
