"""What scikit-learn's tools ask of an estimator besides fit and predict."""

from email.message import Message
from importlib import metadata

import numpy as np
import pytest
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from sklearn.utils import get_tags

from fastnn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)
X, y = load_iris(return_X_y=True)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
words = np.array(["setosa", "versicolor", "virginica"])[y]
weights = np.where(y == 2, 0.0, 1.0)

both = pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
frames = pytest.mark.parametrize("library", ["pandas", "polars"])
label_dtypes = pytest.mark.parametrize("dtype", ["U10", object])


def make(Estimator, **parameters):
    parameters = {"max_iter": 10, "learning_rate_init": 0.05} | parameters
    return Estimator(hidden_layer_sizes=(5,), random_state=0, **parameters)


# Documentation ---------------------------------------------------------------------


@pytest.fixture
def urls(monkeypatch):
    """Let the installed package name these addresses."""
    message = Message()
    monkeypatch.setattr(metadata, "metadata", lambda name: message)
    return lambda *lines: [message.add_header("Project-URL", line) for line in lines]


@both
def test_html_links_to_the_documentation(Estimator, urls):
    urls("Source, https://code.invalid", "Documentation, https://docs.invalid/{x}")
    assert Estimator()._get_doc_link() == "https://docs.invalid/{x}"
    html = make_pipeline(StandardScaler(), Estimator())._repr_html_()
    assert 'href="https://docs.invalid/{x}' in html


@both
def test_html_without_an_address_has_no_link(Estimator, urls):
    urls("Source, https://code.invalid")
    assert Estimator()._get_doc_link() == ""
    assert "code.invalid" not in Estimator()._repr_html_()


@both
def test_html_of_a_package_that_is_not_installed(Estimator, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    assert Estimator()._get_doc_link() == ""


def test_html_of_classes_derived_elsewhere(urls):
    urls("Documentation, https://docs.invalid")

    class Derived(MLPClassifier):
        pass

    assert Derived()._get_doc_link() == ""


# Tags ------------------------------------------------------------------------------


def test_tags_tell_the_truth():
    tags = get_tags(MLPClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert tags.target_tags.required
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label
    tags = get_tags(MLPRegressor())
    assert tags.estimator_type == "regressor"
    assert tags.input_tags.sparse
    assert tags.target_tags.multi_output
    assert not tags.target_tags.positive_only
    assert get_tags(MLPRegressor(loss="poisson")).target_tags.positive_only


# Metadata routing ------------------------------------------------------------------


@both
def test_weights_reach_the_last_step_of_a_pipeline(Estimator):
    with config_context(enable_metadata_routing=True):
        model = make(Estimator).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    weighted = make(Estimator).fit(scaled, y, weights)
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], weighted.coefs_[0])
    plain = make(Estimator).fit(scaled, y)
    assert np.abs(plain.coefs_[0] - weighted.coefs_[0]).max() > 0.01


@both
def test_weights_are_refused_until_the_user_decides(Estimator):
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(scaler, make(Estimator))
        with pytest.raises(ValueError, match=f"not requested for {Estimator.__name__}"):
            pipeline.fit(X, y, sample_weight=weights)
        pipeline[-1].set_fit_request(sample_weight=False)
        pipeline.fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit(X, sample_weight=weights).transform(X)
    plain = make(Estimator).fit(scaled, y)
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], plain.coefs_[0])


@both
def test_weights_reach_every_fit_and_score_of_a_search(Estimator):
    seen = []

    class Spy(Estimator):
        def fit(self, X, y, sample_weight=None):
            seen.append(("fit", len(X), sample_weight))
            return super().fit(X, y, sample_weight)

        def score(self, X, y, sample_weight=None):
            seen.append(("score", len(X), sample_weight))
            return super().score(X, y, sample_weight)

    with config_context(enable_metadata_routing=True):
        model = make(Spy, max_iter=2)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2)
        search.fit(X, y, sample_weight=weights + 1)
    assert [name for name, *_ in seen] == ["fit", "score"] * 4 + ["fit"]
    for _, length, weight in seen:
        assert len(weight) == length
        assert set(weight) <= {1.0, 2.0}


@both
def test_requests_survive_clone_and_cross_validation(Estimator):
    with config_context(enable_metadata_routing=True):
        model = make(Estimator).set_fit_request(sample_weight=True)
        result = cross_validate(
            model.set_score_request(sample_weight=False),
            X,
            y,
            params={"sample_weight": weights + 1},
            return_estimator=True,
            error_score="raise",
        )
    for fitted in result["estimator"]:
        assert fitted.get_metadata_routing().fit.requests["sample_weight"] is True


@both
def test_validation_data_goes_through_the_pipeline(Estimator):
    train, held_out = np.arange(0, 150, 2), np.arange(1, 150, 2)
    with config_context(enable_metadata_routing=True):
        model = make(Estimator).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"]
        )
        pipeline.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
    scaler = StandardScaler().fit(X[train])
    alone = make(Estimator).fit(
        scaler.transform(X[train]),
        y[train],
        X_val=scaler.transform(X[held_out]),
        y_val=y[held_out],
    )
    assert pipeline[-1].validation_scores_ == alone.validation_scores_
    assert pipeline[-1].validation_loss_curve_ == alone.validation_loss_curve_


# Data frames -----------------------------------------------------------------------


@frames
@both
def test_data_frames(Estimator, library):
    module = pytest.importorskip(library)
    frame = module.DataFrame(dict(zip(NAMES, X.T, strict=True)))
    series = module.Series("kind", y) if library == "polars" else module.Series(y)
    if not hasattr(StandardScaler().fit(frame), "feature_names_in_"):
        pytest.skip(f"this version of scikit-learn sees no names in {library}")
    model = make(Estimator).fit(frame, series)
    assert list(model.feature_names_in_) == NAMES
    reference = make(Estimator).fit(X, y)
    np.testing.assert_allclose(model.predict(frame), reference.predict(X), rtol=1e-6)
    np.testing.assert_array_equal(model.coefs_[0], reference.coefs_[0])
    assert model.score(frame, series) == pytest.approx(reference.score(X, y), rel=1e-5)
    model.partial_fit(frame, series)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[NAMES[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


@frames
def test_data_frames_with_a_weight_and_words(library):
    module = pytest.importorskip(library)
    frame = module.DataFrame(dict(zip(NAMES, X.T, strict=True)))
    columns = {"kind": words, "weight": weights + 1}
    other = module.DataFrame({name: list(values) for name, values in columns.items()})
    model = make(MLPClassifier, early_stopping=True)
    model.fit(frame, other["kind"], sample_weight=other["weight"])
    assert set(model.predict(frame)) <= set(words)
    assert model.score(frame, other["kind"], other["weight"]) > 0.3


@frames
def test_several_columns_of_targets(library):
    module = pytest.importorskip(library)
    targets = module.DataFrame({"one": X[:, 0], "other": X[:, 1]})
    model = make(MLPRegressor).fit(module.DataFrame(X), targets)
    assert model.predict(module.DataFrame(X)).shape == (150, 2)


# Labels that are words -------------------------------------------------------------


@label_dtypes
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_words(dtype, solver, n_classes):
    rows = y < n_classes
    labels = words[rows].astype(dtype)
    model = make(MLPClassifier, solver=solver).fit(X[rows], labels)
    numbers = make(MLPClassifier, solver=solver).fit(X[rows], y[rows])
    assert model.classes_.dtype == LabelBinarizer().fit(labels).classes_.dtype
    np.testing.assert_array_equal(model.classes_, np.unique(words)[:n_classes])
    predicted = model.predict(X[rows])
    assert predicted.dtype == model.classes_.dtype
    np.testing.assert_array_equal(predicted, words[numbers.predict(X[rows]) * 50])
    assert model.score(X[rows], labels) == numbers.score(X[rows], y[rows])


@label_dtypes
def test_words_in_all_kinds_of_training(dtype):
    labels = words.astype(dtype)
    make(MLPClassifier, early_stopping=True).fit(X, labels)
    warm = make(MLPClassifier, warm_start=True).fit(X, labels)
    warm.fit(X, labels)
    stream = make(MLPClassifier)
    stream.partial_fit(X[:50], labels[:50], classes=np.unique(labels))
    stream.partial_fit(X, labels)
    for model in (warm, stream):
        assert set(model.predict(X)) <= set(words)
    search = GridSearchCV(make(MLPClassifier), {"alpha": [0.1, 1]}, scoring="f1_macro")
    assert search.fit(X, labels).best_score_ > 0
    with pytest.raises(ValueError, match="cat"):
        stream.partial_fit(X[:2], np.array(["setosa", "cat"], dtype=dtype))
