"""Layers: the descriptions that networks are made of."""

from fastnn.layers.activation import ELU, Activation, LeakyReLU
from fastnn.layers.base import Layer
from fastnn.layers.batch_normalization import BatchNorm
from fastnn.layers.dense import Dense
from fastnn.layers.dropout import Dropout

__all__ = [
    "ELU",
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LeakyReLU",
]
