"""The migration page speaks of everything that scikit-learn's perceptron has."""

import inspect
import re

import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import parse_version

import fastnn

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)
if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("the page compares with scikit-learn 1.9", allow_module_level=True)

KINDS = {"classifier": "MLPClassifier", "regressor": "MLPRegressor"}
every_kind = pytest.mark.parametrize(("kind", "name"), list(KINDS.items()))
X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2


@pytest.fixture(scope="module")
def rows(repository):
    """What the tables say, by section and kind: {section: {kind: {name: text}}}."""
    page = (repository / "docs" / "migration.md").read_text()
    tables = {}
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        found = tables.setdefault(title, {"classifier": {}, "regressor": {}})
        for names, kind, comparison in re.findall(
            r"^\| (`.*?) \| (\w+) \| (.+) \|$", text, flags=re.MULTILINE
        ):
            for name in re.findall(r"`(\w+)`", names):
                for each in KINDS if kind == "both" else [kind]:
                    found[each][name] = comparison
    return tables


def fitted(library, name):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abc"))
    return getattr(library, name)(max_iter=2).fit(frame, y)


def public_attributes(estimator):
    names = [name for name in dir(estimator) if name[0] != "_" and name[-1] == "_"]
    return {name for name in names if hasattr(estimator, name)}


def methods(cls):
    return {name for name, _ in inspect.getmembers(cls, callable) if name[0] != "_"}


@every_kind
def test_the_page_names_every_parameter(kind, name, rows):
    theirs = inspect.signature(getattr(neural_network, name)).parameters
    assert rows["Parameters"][kind].keys() == theirs.keys()


@every_kind
def test_the_page_names_every_attribute(kind, name, rows):
    theirs = public_attributes(fitted(neural_network, name))
    documented = inspect.getdoc(getattr(neural_network, name))
    documented = documented.partition("\nAttributes\n")[2].partition("\nSee Also\n")[0]
    theirs |= set(re.findall(r"^(\w+_) :", documented, flags=re.MULTILINE))
    assert rows["Attributes"][kind].keys() == theirs


@every_kind
def test_the_page_names_every_method(kind, name, rows):
    cls = getattr(neural_network, name)
    assert rows["Methods"][kind].keys() == methods(cls)


@every_kind
def test_the_page_names_what_is_ours_alone(kind, name, rows, repository):
    page = (repository / "docs" / "migration.md").read_text()
    ours, theirs = getattr(fastnn, name), getattr(neural_network, name)
    parameters = inspect.signature(ours).parameters
    alone = parameters.keys() - inspect.signature(theirs).parameters.keys()
    assert all(
        parameters[each].kind == inspect.Parameter.KEYWORD_ONLY for each in alone
    )
    alone |= public_attributes(fitted(fastnn, name)) - rows["Attributes"][kind].keys()
    alone |= methods(ours) - methods(theirs)
    assert {each for each in alone if f"`{each}`" not in page} == set()


@every_kind
def test_what_is_called_the_same_has_the_same_default(kind, name, rows):
    ours = inspect.signature(getattr(fastnn, name)).parameters
    theirs = inspect.signature(getattr(neural_network, name)).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for parameter, comparison in rows["Parameters"][kind].items():
        assert comparison.startswith("Same"), parameter
        assert ours[parameter].default == theirs[parameter].default
        assert ours[parameter].kind == theirs[parameter].kind


@every_kind
def test_every_attribute_is_there(kind, name, rows):
    estimator = fitted(fastnn, name)
    for attribute in rows["Attributes"][kind]:
        assert hasattr(estimator, attribute), attribute


# What the page says about behaviour, where no other test does.


@every_kind
def test_a_later_fit_by_lbfgs_leaves_no_stale_curves(kind, name):
    model = fitted(fastnn, name).set_params(solver="lbfgs").fit(X, y)
    assert not hasattr(model, "loss_curve_")
    model.set_params(solver="adam", warm_start=True).fit(X, y)
    assert len(model.loss_curve_) == 2


def test_dtypes_of_predictions():
    single, double = X.astype(np.float32), X
    model = fastnn.MLPRegressor(max_iter=2).fit(single, y)
    assert model.predict(single).dtype == np.float32
    assert model.predict(double).dtype == np.float64
    model = fastnn.MLPClassifier(max_iter=2).fit(double, y)
    assert model.predict_proba(double).dtype == np.float64
    assert model.predict_proba(single).dtype == np.float32


def test_log_of_a_probability_of_zero():
    model = fastnn.MLPClassifier(max_iter=2).fit(X, y)
    model.intercepts_[-1][:] = -1000
    assert np.isneginf(model.predict_log_proba(X)[:, 1]).all()
