"""How the parts of a network are wired, which is all that it says of itself."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from fastnn.layers.base import Part

# Applies a part, which has a name in its network, to a value or to several.
Apply = Callable[[str, Part, Any], Any]


class Wiring(Part):
    """Parts, and how values flow through them."""

    @abstractmethod
    def named_parts(self) -> list[tuple[str, Part]]:
        """Names and parts, one for each place."""

    def input_names(self) -> list[str]:
        """Names of what the network takes: "x", where it takes one value.

        Returns
        -------
        names : list of str
        """
        return ["x"]

    @property
    def many_inputs(self) -> bool:
        """Whether the network takes several values."""
        return len(self.input_names()) > 1

    @abstractmethod
    def forward(self, x: Any, apply: Apply) -> Any:
        """Let a value flow through the parts.

        Parameters
        ----------
        x : object
            What the network takes: a tensor, a shape, or whatever ``apply`` takes.
        apply : callable
            Called with a name, a part and what the part takes, in an order in which
            all is there when it is read; returns what the part gives. Parts that are
            not among :meth:`named_parts` are those that join values or select from
            them.

        Returns
        -------
        y : object
            What the network gives; a dict by name where there are several values.
        """
