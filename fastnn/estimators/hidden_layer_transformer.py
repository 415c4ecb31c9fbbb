"""A network's hidden layer as features for other estimators."""

from numbers import Integral
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from fastnn.estimators.base import MatrixLike
from fastnn.estimators.documentation import DocumentationLink


class HiddenLayerTransformer(
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    DocumentationLink,
    BaseEstimator,
):
    """Transform samples into the outputs of a network's hidden layer.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, NeuralNetClassifier, NeuralNetRegressor \
            or NeuralNet
        The network.

    layer : int or str, default=-1
        Number of the hidden layer, from 0; negative numbers count from the last. They
        are the dense layers that follow one another before the output layer or the
        heads. Any other part has a name, as ``network.get_params()`` has it, "base" or
        "branches__numbers", or as its weights have, "branches/numbers".

    prefit : bool, default=False
        Whether ``estimator`` is fitted already and stays as it is. Otherwise ``fit``
        trains a clone of it.

    Attributes
    ----------
    estimator_ : object
        The fitted network: ``estimator`` itself if ``prefit``.

    n_features_in_ : int
        Number of features of X in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X in ``fit``; only if they are all strings.

    See Also
    --------
    MLPClassifier.hidden_activations : The same as a method of the network.
    NeuralNetClassifier.extract : A part with its weights, to train further.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from fastnn import HiddenLayerTransformer, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier((16, 3), solver="lbfgs", tol=0.01, random_state=0)
    >>> model = make_pipeline(HiddenLayerTransformer(network), KNeighborsClassifier())
    >>> model.fit(X, y).score(X, y) > 0.9
    True

    A part of any network, by its name:

    >>> from fastnn import Branches, NeuralNetClassifier
    >>> from fastnn.layers import Dense
    >>> network = Branches([("sepals", Dense(5), [0, 1]), ("petals", Dense(3), [2, 3])])
    >>> features = HiddenLayerTransformer(NeuralNetClassifier(network), "petals")
    >>> features.fit_transform(X, y).shape
    (150, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "estimator": [HasMethods("hidden_activations")],
        "layer": [Integral, str],
        "prefit": ["boolean"],
    }

    def __init__(self, estimator: Any, layer: int | str = -1, prefit: bool = False):
        self.estimator = estimator
        self.layer = layer
        self.prefit = prefit

    # The network checks its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: MatrixLike, y: Any = None, **fit_params: Any) -> Self:
        """Train the network, unless it is trained already.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like, default=None
            Targets. Not used if ``prefit``.

        **fit_params : dict
            Passed to the ``fit`` of the network, or routed to it where metadata routing
            is enabled. Not used if ``prefit``.

        Returns
        -------
        self : HiddenLayerTransformer
            The fitted transformer.

        Raises
        ------
        NotFittedError
            If ``prefit`` and the network is not fitted.
        ValueError
            If the network has no such hidden layer or part, or its ``fit`` raises.
        """
        if self.prefit:
            check_is_fitted(self.estimator)
            estimator = self.estimator
        else:
            if get_config()["enable_metadata_routing"]:
                fit_params = process_routing(self, "fit", **fit_params).estimator.fit
            estimator = clone(self.estimator).fit(X, y, **fit_params)
        place = estimator._place_of(self.layer)
        self._n_features_out = estimator._fitted.plan_until(place).n_outputs
        self.estimator_ = estimator
        return self

    def transform(self, X: MatrixLike) -> NDArray:
        """Outputs of the hidden layer; those of several axes are flattened.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_units)
            float32 if X is and the network's weights are, otherwise float64.
        """
        check_is_fitted(self)
        return self.estimator_.hidden_activations(X, self.layer)

    @property
    def n_features_in_(self) -> int:
        """Number of features of X in ``fit``."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray:
        """Names of the features of X in ``fit``."""
        return self.estimator_.feature_names_in_

    def get_metadata_routing(self) -> MetadataRouter:
        """Routing of metadata: ``fit`` passes it on to the ``fit`` of the network.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=mapping
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.target_tags = inner.target_tags
        tags.target_tags.required = not self.prefit
        return tags
