"""Steps as one launch each, or several in one: what a CUDA graph is good for."""

from collections.abc import Hashable, Sequence

from fastnn.engine.device import Call, Device

# Launching a graph takes the host a few microseconds and leaves a gap between two of
# them, as long as a kernel of a small step: this many steps share it.
STEPS_TOGETHER = 16

# Recording so many steps takes about as long as making their calls twice. It is done
# once as many were taken one by one, so that it never costs more than it could save.
STEPS_BEFORE = 2 * STEPS_TOGETHER


class Recorder:
    """Makes the calls of steps, and records those that come again.

    Parameters
    ----------
    device : Device
    """

    def __init__(self, device: Device):
        self._device = device
        self._recorded: dict[tuple[Hashable, int], Call] = {}
        self._n_taken: dict[Hashable, int] = {}

    def run(self, kind: Hashable, calls: Sequence[Call], n_steps: int) -> None:
        """Take so many steps of a kind, whose calls are the same every time."""
        while n_steps:
            taken = self._n_taken.get(kind, 0)
            together = 1
            if not taken:
                # What is loaded, chosen or found out by a first call is not recorded.
                for call in calls:
                    call()
            else:
                if n_steps >= STEPS_TOGETHER and taken >= STEPS_BEFORE:
                    together = STEPS_TOGETHER
                self._launch(kind, calls, together)
            self._n_taken[kind] = taken + together
            n_steps -= together

    def _launch(self, kind: Hashable, calls: Sequence[Call], together: int) -> None:
        key = kind, together
        if key not in self._recorded:
            self._recorded[key] = self._device.record([*calls] * together)
        self._recorded[key]()
