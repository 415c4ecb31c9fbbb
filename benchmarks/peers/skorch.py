"""skorch's estimators around PyTorch's net, without validation and prints."""

import time

import numpy as np
import torch
from scipy import sparse
from skorch import NeuralNetClassifier, NeuralNetRegressor, __version__
from torch import nn

from .net import ALPHA, LEARNING_RATE
from .torch_net import new_layers, use_threads


def version():
    return f"skorch {__version__}"


def prepare(workload, X, y, threads):
    if sparse.issparse(X):
        raise NotImplementedError("skorch does not batch sparse matrices")
    use_threads(threads)
    if workload.n_classes > 2:
        estimator, criterion = NeuralNetClassifier, nn.CrossEntropyLoss
    else:
        estimator, criterion = NeuralNetRegressor, nn.BCEWithLogitsLoss
        y = y.astype(np.float32).reshape(-1, 1)
    if workload.is_regression:
        criterion = nn.MSELoss

    def train(epochs, shuffle=True):
        net = estimator(
            nn.Sequential(*new_layers(workload)),
            criterion=criterion,
            optimizer=torch.optim.Adam,
            optimizer__param_groups=[
                ("*.weight", {"weight_decay": ALPHA / workload.batch_size})
            ],
            optimizer__fused=True,
            lr=LEARNING_RATE,
            max_epochs=epochs,
            batch_size=workload.batch_size,
            iterator_train__shuffle=shuffle,
            train_split=None,
            verbose=0,
        )
        start = time.perf_counter()
        net.fit(X, y)
        seconds = time.perf_counter() - start
        loss = net.history[-1, "train_loss"]
        return seconds, loss / 2 if workload.is_regression else loss

    return train
