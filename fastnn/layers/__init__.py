"""Layers: the descriptions that networks are made of."""

from fastnn.layers.activation import ELU, Activation, LeakyReLU, PReLU
from fastnn.layers.attention import MultiHeadAttention
from fastnn.layers.augment import Augment
from fastnn.layers.base import Layer
from fastnn.layers.batch_normalization import BatchNorm
from fastnn.layers.bidirectional import Bidirectional
from fastnn.layers.convolution import Conv1D, Conv2D, Conv2DTranspose
from fastnn.layers.dense import Dense
from fastnn.layers.depthwise_convolution import DepthwiseConv2D
from fastnn.layers.dropout import (
    AlphaDropout,
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
)
from fastnn.layers.embedding import Embedding
from fastnn.layers.gru import GRU
from fastnn.layers.lstm import LSTM
from fastnn.layers.masking import Masking
from fastnn.layers.merge import Add, Average, Concatenate, Maximum, Merge, Multiply
from fastnn.layers.noise import GaussianNoise
from fastnn.layers.normalization import LayerNorm, RMSNorm
from fastnn.layers.padding import ZeroPadding1D, ZeroPadding2D
from fastnn.layers.permute import Permute
from fastnn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from fastnn.layers.positions import PositionEmbedding
from fastnn.layers.random_affine import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from fastnn.layers.random_pixels import RandomContrast, RandomErasing
from fastnn.layers.rescaling import Rescaling
from fastnn.layers.reshape import Flatten, Reshape
from fastnn.layers.simple_rnn import SimpleRNN
from fastnn.layers.upsampling import UpSampling2D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AlphaDropout",
    "Augment",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNorm",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Merge",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "Permute",
    "PositionEmbedding",
    "RMSNorm",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
