"""Where activations lie: values that are never needed together share memory."""

from numpy.typing import NDArray

from fastnn.plan.tables import FLAGS, OP_FLAGS, SPACES


def assign_offsets(
    ops: NDArray, tensors: NDArray, phase: int, field: str, keep: int = -1
) -> int:
    """Give every activation that a phase touches its place.

    Parameters
    ----------
    ops : ndarray of records
    tensors : ndarray of records
        The field named ``field`` of the activations is written.
    phase : int
        Which ops count.
    field : str
        ``"train_offset"`` or ``"predict_offset"``.
    keep : int, default=-1
        Number of a tensor whose value must outlive the walk.

    Returns
    -------
    size : int
        Numbers that one sample needs.
    """
    running = [op for op in ops if op["phase"] & phase]
    last_use = {
        int(number): step
        for step, op in enumerate(running)
        for number in (*op["input"], *op["output"])
    }
    last_use[keep] = len(running)
    activation = tensors["space"] == SPACES["activation"]
    taken: dict[int, tuple[int, int]] = {}  # number: first and last position + 1
    size = 0
    for step, op in enumerate(running):
        first_input = int(op["input"][0])
        for number in map(int, op["output"]):
            if number < 0 or not activation[number] or number in taken:
                continue
            room = int(tensors["size"][number])
            if (
                OP_FLAGS[op["kind"]] & FLAGS["in_place"]
                and number == op["output"][0]
                and first_input in taken
                and last_use[first_input] == step
                and first_input not in op["input"][1:]
                and tensors["size"][first_input] == room
            ):
                place = taken.pop(first_input)
            else:
                start = _first_gap(sorted(taken.values()), room)
                place = (start, start + room)
            taken[number] = place
            tensors[field][number] = place[0]
            size = max(size, place[1])
        for number in [n for n in taken if last_use[n] == step]:
            del taken[number]
    return size


def _first_gap(taken: list[tuple[int, int]], room: int) -> int:
    start = 0
    for first, last in taken:
        if first - start >= room:
            break
        start = max(start, last)
    return start
