"""Networks: layers wired together, and how they become a plan.

A network infers every shape and writes itself down as a plan; it neither holds weights
nor trains.
"""

from fastnn.network.lowering import lower
from fastnn.network.sequential import Sequential

__all__ = ["Sequential", "lower"]
