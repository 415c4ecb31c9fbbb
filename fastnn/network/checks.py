"""What the parts of a network must be, and how messages call what was passed."""

from typing import Any

from fastnn.layers.base import Part


def check_no_circle(network: Part) -> None:
    """Refuse a network that stands within itself, which no walk over it would end.

    Raises
    ------
    ValueError
    """
    done: set[int] = set()

    def walk(part: Part, way: str, around: list[Part]) -> None:
        if any(part is each for each in around):
            raise ValueError(
                f"{kind_of(part)} contains itself, as its part {way!r}. Put a clone "
                "there, or take it out."
            )
        if id(part) not in done:
            for name, each in part.named_parts():
                walk(each, f"{way}__{name}" if way else name, [*around, part])
            done.add(id(part))

    walk(network, "", [])


def check_takes_one(part: Part, place: str) -> None:
    """Refuse a part that takes several values where there is one.

    Raises
    ------
    ValueError
    """
    if part.many_inputs:
        raise ValueError(
            f"{place} is {kind_of(part)}, which takes several inputs, but gets one. "
            "Make it a node of a Graph that names what it reads."
        )


def check_gives_one(part: Part, place: str) -> None:
    """Refuse a part that gives several values where one is read.

    Raises
    ------
    ValueError
    """
    if part.many_outputs:
        raise ValueError(
            f"{place} is {kind_of(part)}, which gives several outputs: only the end of "
            "a network may. Put it last, or take a part with one output."
        )


def kind_of(part: Part) -> str:
    """What a part is, for messages."""
    return type(part).__name__


def described(item: Any) -> str:
    """What was passed, for messages."""
    return f"the class {item.__name__}" if isinstance(item, type) else repr(item)
