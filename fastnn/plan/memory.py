"""Where activations lie: values that are never needed together share memory.

A view lies in its base, which has its place as long as it or any view of it is needed.
"""

from collections.abc import Iterable

from numpy.typing import NDArray

from fastnn.plan.tables import FLAGS, OP_FLAGS, SPACES


def assign_offsets(
    ops: NDArray,
    tensors: NDArray,
    phase: int,
    field: str,
    keep: Iterable[int] = (),
    axis: int = 0,
) -> int:
    """Give every activation that a phase touches its place.

    Parameters
    ----------
    ops : ndarray of records
    tensors : ndarray of records
        The field named ``field`` of the activations is written: that of views is their
        base's.
    phase : int
        Which ops count.
    field : str
        ``"train_offset"`` or ``"predict_offset"``.
    keep : iterable of int, default=()
        Numbers of tensors, no views, whose values must outlive the walk.
    axis : int, default=0
        Whose steps there is one copy for: 0 is for activations of samples.

    Returns
    -------
    size : int
        Numbers that one sample needs, or one step.
    """
    running = [op for op in ops if op["phase"] & phase]
    # Who has the place of each tensor; the last one stands for what is absent, -1.
    owner = [int(t["base"]) if t["base"] >= 0 else i for i, t in enumerate(tensors)]
    owner.append(-1)
    last_use = {
        owner[number]: step
        for step, op in enumerate(running)
        for number in (*op["input"], *op["output"])
    }
    last_use |= dict.fromkeys(keep, len(running))
    activation = tensors["space"] == SPACES["activation"]
    activation &= tensors["axis"] == axis
    taken: dict[int, tuple[int, int]] = {}  # number: first and last position + 1
    size = 0
    for step, op in enumerate(running):
        source, *others = (owner[number] for number in op["input"])
        for number in op["output"]:
            own = owner[number]
            if own < 0 or not activation[own] or own in taken:
                continue
            room = int(tensors["size"][own])
            if (
                OP_FLAGS[op["kind"]] & FLAGS["in_place"]
                and number == op["output"][0]
                and source in taken
                and last_use[source] == step
                and source not in others
                and tensors["size"][source] == room
                and _range(tensors[op["input"][0]]) == _range(tensors[number])
            ):
                place = taken.pop(source)
            else:
                start = _first_gap(sorted(taken.values()), room)
                place = (start, start + room)
            taken[own] = place
            tensors[field][own] = place[0]
            size = max(size, place[1])
        for number in [n for n in taken if last_use[n] == step]:
            del taken[number]
    is_view = (tensors["base"] >= 0) & activation
    tensors[field][is_view] = tensors[field][tensors["base"][is_view]]
    return size


def _range(tensor: NDArray) -> tuple[int, int, int]:
    """What a tensor is of its owner: all of it, or some columns."""
    return int(tensor["first"]), int(tensor["lead"]), int(tensor["size"])


def _first_gap(taken: list[tuple[int, int]], room: int) -> int:
    start = 0
    for first, last in taken:
        if first - start >= room:
            break
        start = max(start, last)
    return start
