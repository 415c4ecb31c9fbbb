"""Fitted models of scikit-learn's own perceptron become ours."""

import copy
from typing import Any

from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from fastnn.estimators.conversion import adopt, check_model, computing_dtype
from fastnn.estimators.mlp_classifier import MLPClassifier
from fastnn.estimators.mlp_regressor import MLPRegressor
from fastnn.utils.error_state import ignoring_errors


def from_sklearn(model: Any) -> MLPClassifier | MLPRegressor:
    """Convert a fitted multi-layer perceptron of scikit-learn.

    The result predicts the same and can be trained further: ``partial_fit`` and
    ``warm_start`` go on with the optimizer, the learning rate and the curves of
    ``model``.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
        Fitted by any solver. It is not changed.

    Returns
    -------
    estimator : MLPClassifier or MLPRegressor
        With the parameters of ``model``. Its ``dtype`` is "float32" where the weights
        are float16 or float32, and "float64" where they are of any other type of real
        numbers. It shares no array with ``model``.

    Raises
    ------
    TypeError
        If ``model`` is something else.
    NotFittedError
        If ``model`` is not fitted.
    ValueError
        If its weights are no real numbers, or do not have the shapes that its
        parameters ask for, or if another attribute is damaged.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> import fastnn
    >>> X, y = load_iris(return_X_y=True)
    >>> old = MLPClassifier(solver="lbfgs", tol=0.01, random_state=0).fit(X, y)
    >>> new = fastnn.from_sklearn(old)
    >>> new
    MLPClassifier(dtype='float64', random_state=0, solver='lbfgs', tol=0.01)
    >>> (new.predict(X) == old.predict(X)).all()
    np.True_
    """
    Estimator: type[MLPClassifier] | type[MLPRegressor]
    if isinstance(model, neural_network.MLPClassifier):
        Estimator = MLPClassifier
    elif isinstance(model, neural_network.MLPRegressor):
        Estimator = MLPRegressor
    else:
        raise TypeError(
            "model must be a fitted MLPClassifier or MLPRegressor of "
            f"sklearn.neural_network, got {type(model).__name__}. Take it out of its "
            "pipeline or search first, for example with pipeline[-1]."
        )
    check_is_fitted(model)
    return ignoring_errors(_converted, model, Estimator)


def _converted(model: Any, Estimator: Any) -> Any:
    check_model(model)
    known = Estimator().get_params()
    parameters = model.get_params(deep=False)
    estimator = Estimator(
        **{
            name: copy.deepcopy(parameters[name])
            for name in known
            if name in parameters
        }
    )
    estimator.set_params(dtype=computing_dtype(model).name)
    return adopt(estimator, model)
