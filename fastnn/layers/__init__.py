"""Layers: the descriptions that networks are made of."""

from fastnn.layers.base import Layer
from fastnn.layers.dense import Dense

__all__ = ["Dense", "Layer"]
