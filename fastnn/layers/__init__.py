"""Layers: the descriptions that networks are made of."""

from fastnn.layers.activation import ELU, Activation, LeakyReLU, PReLU
from fastnn.layers.base import Layer
from fastnn.layers.batch_normalization import BatchNorm
from fastnn.layers.dense import Dense
from fastnn.layers.dropout import AlphaDropout, Dropout
from fastnn.layers.noise import GaussianNoise
from fastnn.layers.normalization import LayerNorm, RMSNorm

__all__ = [
    "ELU",
    "Activation",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "GaussianNoise",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "PReLU",
    "RMSNorm",
]
