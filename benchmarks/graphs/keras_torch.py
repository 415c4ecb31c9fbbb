"""Keras on PyTorch, eager: compiled it is as fast, after a minute and a half."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from benchmarks.peers.torch_net import use_threads

from .keras_net import prepare as prepare_model
from .keras_net import version

__all__ = ["prepare", "version"]


def prepare(workload, X, y, threads):
    use_threads(threads)
    return prepare_model(workload, X, y, jit_compile=False)
