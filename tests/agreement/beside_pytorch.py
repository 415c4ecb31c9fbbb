"""One layer in a network of ours and in PyTorch, with the same weights and samples."""

import numpy as np
import pytest

from fastnn.engine.engine import Engine
from fastnn.layers import Dense, Flatten
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.optimizers import SGD

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


class Pair:
    """The same network in both, with the same weights, and a few samples.

    Parameters
    ----------
    layer : Layer
        Called "layer"; a dense layer of two units follows.
    shape : tuple of int
        Of a sample.
    n : int
        How many samples.
    theirs : callable
        What PyTorch makes of the layer, its weights by name and samples.
    """

    def __init__(self, layer, shape, n, theirs):
        self.layer, self.theirs, self.n = layer, theirs, n
        network = Sequential([("layer", layer), Flatten(), Dense(2)])
        rng = np.random.default_rng(0)
        self.X, self.y = rng.normal(size=(n, *shape)), rng.normal(size=(n, 2))
        self.plan = lower(network, input_shape=shape, loss=SquaredError())
        self.flat = self.plan.initialize(np.random.RandomState(0), np.float64)
        self.flat += rng.normal(scale=0.1, size=self.flat.shape)
        views = zip(self.plan.parameters, self.plan.views(self.flat), strict=True)
        self.weights = {
            parameter.name: torch.tensor(view.copy(), requires_grad=True)
            for parameter, view in views
        }

    def their_loss(self):
        h = self.theirs(self.layer, self.weights, torch.tensor(self.X))
        z = h.reshape(self.n, -1) @ self.weights["dense/kernel"]
        z = z + self.weights["dense/bias"]
        errors = torch.nn.functional.mse_loss(z, torch.tensor(self.y), reduction="sum")
        return errors / 2 / self.n

    def check_losses_and_gradients(self):
        expected = self.their_loss()
        expected.backward()
        engine = Engine(self.plan, self.flat, self.X, self.y, batch_size=self.n)
        loss, _, weight = engine.gradient()
        assert loss / weight == pytest.approx(float(expected.detach()), rel=1e-10)
        found = self.plan.views(engine.gradients / weight)
        for parameter, gradient in zip(self.plan.parameters, found, strict=True):
            np.testing.assert_allclose(
                gradient, self.weights[parameter.name].grad, rtol=1e-10, atol=1e-12,
                err_msg=parameter.name,
            )  # fmt: skip

    def check_ten_steps(self, rate):
        ours = SGD(rate, momentum=0.9)
        steps = torch.optim.SGD(self.weights.values(), lr=rate, momentum=0.9)
        state = np.zeros((ours.n_slots, self.plan.n_parameters))
        engine = Engine(
            self.plan, self.flat, self.X, self.y, batch_size=self.n, optimizer=ours,
            state=state,
        )  # fmt: skip
        for step in range(10):
            engine.epoch(ours.table(step + 1, 1, np.full(1, rate)))
            steps.zero_grad()
            self.their_loss().backward()
            steps.step()
        views = self.plan.views(self.flat)
        for parameter, view in zip(self.plan.parameters, views, strict=True):
            np.testing.assert_allclose(
                view, self.weights[parameter.name].detach(), rtol=1e-10, atol=1e-11,
                err_msg=parameter.name,
            )  # fmt: skip
