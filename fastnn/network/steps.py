"""Steps of sequences, and which of them count, on their way through the parts."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.layers import Embedding
from fastnn.layers.base import Part
from fastnn.network.wiring import Wiring
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample

TOKENS = (None,)  # the shape of sequences of them


def shape_given(name: str, part: Part, input_shape: Any) -> Any:
    """The shape of what a part gives.

    Parameters
    ----------
    name : str
        What the network calls the part.
    part : Part
    input_shape : tuple of int or sequence of such
        Of what it takes. That of sequences of different lengths begins with None.

    Returns
    -------
    output_shape : tuple of int

    Raises
    ------
    ValueError
        If it does not take such.
    """
    if not isinstance(part, Wiring) and not isinstance(input_shape, Mapping):
        for shape in input_shape if part.many_inputs else [input_shape]:
            _check_takes(name, part, tuple(shape))
    return part.output_shape(input_shape)


def are_sequences(shape: Sequence[int | None]) -> bool:
    """Whether samples of this shape are sequences of different lengths.

    Raises
    ------
    ValueError
        If they would differ along another axis than the first.
    """
    if None in shape[1:]:
        raise ValueError(
            "samples may differ along their first axis alone, that of the steps, got "
            f"the shape {tuple(shape)}."
        )
    return None in shape


def _check_takes(name: str, part: Part, shape: tuple[int | None, ...]) -> None:
    if not are_sequences(shape):
        return
    if shape == TOKENS and not isinstance(part, Embedding):
        raise ValueError(_of_tokens(name, part))
    if not part._takes_sequences:
        raise ValueError(
            f"{name!r}, {part!r}, cannot take sequences of different lengths, which "
            f"have the shape {shape}. Bring them to one length by "
            "fastnn.preprocessing.pad_sequences, or let a layer stand before it that "
            "makes one value of each sequence: GlobalAveragePooling1D, or an LSTM that "
            "returns its last output."
        )


def _of_tokens(name: str, part: Part) -> str:
    return (
        f"{name!r}, {part!r}, cannot read tokens, which are numbers of rows and not "
        "amounts: an Embedding must read tokens. Let one stand in front of it."
    )


def check_reads(tape: Tape, name: str, part: Part, x: Any) -> None:
    """Refuse to write a part that cannot read what it is to read.

    Parameters
    ----------
    tape : Tape
    name : str
        The way to the part.
    part : Part
        No network, whose parts are looked at by themselves.
    x : Tensor, or sequence or mapping of such
        What it takes.

    Raises
    ------
    ValueError
        If it reads tokens and is no embedding, values for each step of sequences and
        takes no such, or values with a mask, which it would lose.
    """
    if isinstance(x, Mapping):  # of which one is selected
        return
    values: Sequence[Tensor] = x if part.many_inputs else [x]
    for value in values:
        if value.n_tokens and not isinstance(part, Embedding):
            raise ValueError(_of_tokens(name, part))
        if part._masks == "loses" and tape.mask_of(value) is not None:
            raise ValueError(
                f"{name!r}, {part!r}, would lose the mask of what it takes, of shape "
                f"{shape_of_sample(value)}, and read masked steps like all others. Let "
                "a layer stand before it that passes them over, such as "
                "GlobalAveragePooling1D, or have no mask: mask_zero=False of the "
                "Embedding, or no Masking."
            )
    shapes = [shape_of_sample(value) for value in values]
    if any(None in shape for shape in shapes):
        shape_given(name, part, shapes if part.many_inputs else shapes[0])


def pass_mask(tape: Tape, part: Part, x: Any, y: Any) -> None:
    """Give what a part has written the mask of what it has read, if it keeps that."""
    if part._masks == "keeps" and isinstance(x, Tensor) and isinstance(y, Tensor):
        tape.masked(y, tape.mask_of(x))
