"""Options of parts that the computing type holds as 0 or as infinity."""

import numpy as np
import pytest
from test_ranges import FACTORS, X, methods, y

from fastnn import (
    Sequential,
    constraints,
    initializers,
    optimizers,
    regularizers,
)
from fastnn.layers import ELU, BatchNorm, Dense, LayerNorm, RMSNorm
from fastnn.losses import Huber, Quantile, Tweedie

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
mlp = FACTORS["mlp"]


def net(*layers, **params):
    return FACTORS["net"](network=Sequential([*layers, Dense(8, "tanh")]), **params)


WITH_EPSILON = [
    each
    for each in optimizers.OPTIMIZERS.values()
    if "epsilon" in each._parameter_constraints
]
# Makers of estimators from a value that float32 holds as 0, which the option is not.
ABOVE_ZERO = {
    "clip_norm": lambda x: net(optimizer=optimizers.SGD(clip_norm=x)),
    "clip_value": lambda x: net(optimizer=optimizers.SGD(clip_value=x)),
    "delta": lambda x: net(loss=Huber(x)),
    "quantile": lambda x: net(loss=Quantile([x, 0.5])),
    "max_norm": lambda x: net(Dense(4, kernel_constraint=constraints.MaxNorm(x))),
    "std": lambda x: net(
        Dense(4, kernel_initializer=initializers.TruncatedNormal(std=x))
    ),
    "momentum": lambda x: net(BatchNorm(momentum=x)),
}
EPSILONS = {
    **{
        kind.__name__: lambda x, kind=kind: net(optimizer=kind(epsilon=x))
        for kind in WITH_EPSILON
    },
    **{
        kind.__name__: lambda x, kind=kind: net(("norm", kind(epsilon=x)))
        for kind in (BatchNorm, LayerNorm, RMSNorm)
    },
    "SklearnAdam": lambda x: mlp(epsilon=x, alpha=0),
    "solver": lambda x: mlp(solver=optimizers.Adam(epsilon=x), alpha=0),
}
above_zero = pytest.mark.parametrize(
    ("name", "make"),
    [*ABOVE_ZERO.items(), *(("epsilon", make) for make in EPSILONS.values())],
    ids=[*ABOVE_ZERO, *EPSILONS],
)
X_constant = X.copy()
X_constant[:, 2] = 0


@above_zero
@methods
@pytest.mark.parametrize("value", [1e-31 / 2, 1e-40, 1e-60])
def test_options_that_float32_holds_as_0(name, make, method, value):
    message = (
        rf"'{name}' parameter of \w+ must be at least 1e-31 in float32.* Got {value}\. "
        "Set dtype='float64' or another value"
    )
    with pytest.raises(ValueError, match=message):
        getattr(make(value), method)(X_constant, y)
    model = make(value).set_params(dtype="float64").fit(X_constant, y)
    assert np.isfinite(model.loss_curve_).all()


@above_zero
def test_options_that_float64_holds_as_0(name, make):
    model = make(1e-310).set_params(dtype="float64")
    message = rf"'{name}' .* at least 1e-291 in float64.* Got 1e-310. Set another value"
    with pytest.raises(ValueError, match=message):
        model.fit(X_constant, y)


@above_zero
@pytest.mark.parametrize(("dtype", "least"), [("float32", 1e-31), ("float64", 1e-291)])
def test_the_least_options_that_are_held(name, make, dtype, least):
    model = make(least).set_params(dtype=dtype).fit(X_constant, y)
    assert np.isfinite(model.loss_curve_).all()


@methods
@pytest.mark.parametrize(
    ("name", "model"),
    {
        "weight_decay": net(optimizer=optimizers.AdamW(weight_decay=1e39)),
        "l2": net(Dense(4, kernel_regularizer=regularizers.L2(1e39))),
        "alpha": net(ELU(1e39)),
        "value": net(Dense(4, kernel_initializer=initializers.Constant(-1e39))),
    }.items(),
)
def test_options_beyond_float32(name, model, method):
    with pytest.raises(ValueError, match=rf"'{name}' .* at most 3.4e\+38 in float32"):
        getattr(model, method)(X, y)


@pytest.mark.parametrize(
    "model",
    [
        net(optimizer=optimizers.Adam(1e-60)),
        net(optimizer=optimizers.AdamW(weight_decay=1e-60)),
        net(optimizer=optimizers.Adagrad(initial_accumulator_value=1e-60)),
        net(Dense(4, kernel_regularizer=regularizers.L1L2(1e-60, 1e-60))),
        net(ELU(1e-60)),
        mlp(learning_rate_init=1e-60, alpha=1e-60),
        mlp(solver="lbfgs", loss=Huber(1e-60)),  # computes in float64
    ],
    ids=str,
)
def test_options_that_may_be_0(model):
    assert np.isfinite(model.fit(X, y).predict(X)).all()


@pytest.mark.parametrize("change", ["option", "part", "dtype"])
def test_options_that_change_between_calls(change):
    optimizer = optimizers.Adam()
    model = net(optimizer=optimizer).partial_fit(X, y)
    if change == "option":
        optimizer.epsilon = 1e-60
    elif change == "part":
        model.set_params(loss=Huber(1e-60))
    else:
        model.set_params(loss=Huber(1e-60), dtype="float64").partial_fit(X, y)
        model.set_params(dtype="float32")
    with pytest.raises(ValueError, match=r"at least 1e-31 in float32.* Got 1e-60"):
        model.partial_fit(X, y)


def test_an_option_of_the_perceptron_that_changes_between_calls():
    model = mlp().partial_fit(X, y).set_params(epsilon=1e-60)
    with pytest.raises(ValueError, match=r"'epsilon' .* at least 1e-31 in float32"):
        model.partial_fit(X, y)


@pytest.mark.parametrize(("limit", "sign"), [(1, 1), (2, -1), (2, 1)])
@pytest.mark.parametrize(("dtype", "apart"), [("float32", 1e-4), ("float64", 1e-12)])
def test_powers_next_to_their_limits(limit, sign, dtype, apart):
    def loss_curve(power):
        model = net(loss=Tweedie(power), dtype=dtype)
        return model.fit(X, abs(y) + 0.1).loss_curve_

    with pytest.raises(ValueError, match=rf"must be 1, 2, .* from both in {dtype}"):
        loss_curve(limit + sign * apart / 100)
    expected = loss_curve(limit)
    np.testing.assert_allclose(loss_curve(limit + sign * apart), expected, rtol=0.01)


@pytest.mark.parametrize("unused", [[None], ["a", 2j], np.array([None]), [[1e-60]]])
def test_what_is_not_used_may_be_anything(unused):
    # The constraints of what is used have said that they are numbers.
    layer = Dense(4, use_bias=False, bias_regularizer=regularizers.L2(unused))
    assert np.isfinite(net(layer).fit(X, y).loss_curve_).all()
