"""What a user gets by installing fastnn, apart from what it computes."""

import importlib
import inspect
import operator
import re
import subprocess
import sys
from importlib import metadata, resources

import pytest

import fastnn
from fastnn.estimators.documentation import documented

ESTIMATORS = [
    fastnn.MLPClassifier,
    fastnn.MLPRegressor,
    fastnn.NeuralNetClassifier,
    fastnn.NeuralNetRegressor,
]
MODULES = [
    "fastnn",
    "fastnn.averaging",
    "fastnn.constraints",
    "fastnn.initializers",
    "fastnn.layers",
    "fastnn.losses",
    "fastnn.mixing",
    "fastnn.network",
    "fastnn.optimizers",
    "fastnn.preprocessing",
    "fastnn.regularizers",
    "fastnn.schedules",
]


def public_names(name):
    """The callables that a module exports, or defines without an underscore."""
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    for attribute, value in vars(module).items():
        own = getattr(value, "__module__", None) == name and attribute[0] != "_"
        if callable(value) and (own if exported is None else attribute in exported):
            yield pytest.param(value, id=f"{name}.{attribute}")


PUBLIC = [public for name in MODULES for public in public_names(name)]


def test_version_is_that_of_the_installed_package():
    try:
        installed = metadata.version("fastnn")
    except metadata.PackageNotFoundError:
        pytest.skip("fastnn is on the path, but not installed")
    assert fastnn.__version__ == installed


def test_package_says_that_it_is_typed():
    assert resources.files("fastnn").joinpath("py.typed").is_file()


def test_import_works_without_the_optional_packages():
    missing = ["Cython", "matplotlib", "pandas", "pytest", "setuptools"]
    code = f"import sys; sys.modules |= dict.fromkeys({missing}); import fastnn"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_show_versions_names_what_a_bug_report_needs(capsys):
    fastnn.show_versions()
    printed = capsys.readouterr().out
    for name in ("fastnn", "numpy", "scipy", "scikit-learn", "python"):
        assert name in printed.lower()


@pytest.mark.parametrize("name", MODULES)
def test_public_modules_have_docstrings(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("public", PUBLIC)
def test_docstrings_name_every_parameter_and_method(public):
    documented = inspect.getdoc(public)
    assert documented
    for parameter in inspect.signature(public).parameters.values():
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            assert re.search(rf"\b{parameter.name}\b.* :", documented), parameter.name
    for name, method in inspect.getmembers(public, inspect.isroutine):
        if not name.startswith("_"):
            assert inspect.getdoc(method), name


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_docstrings_of_estimators_are_put_together_in_order(Estimator):
    docstring = inspect.getdoc(Estimator)
    titles = re.findall(r"^(\S.*)\n-+$", docstring, flags=re.MULTILINE)
    order = ["Parameters", "Attributes", "See Also", "Notes", "References", "Examples"]
    assert titles == [title for title in order if title in titles]
    parameters = docstring.partition("Attributes\n")[0]
    names = re.findall(r"^(\w+) :", parameters, flags=re.MULTILINE)
    assert names == list(inspect.signature(Estimator).parameters)


def test_what_a_class_says_itself_takes_the_place_of_what_its_base_says():
    class Base:
        """Not read.

        Attributes
        ----------
        a_ : int
            Of the base.

        b_ : int
            The last.

        Notes
        -----
        Of the base.
        """

        __module__ = "fastnn.base"

    class Derived(Base):
        """Summary.

        Attributes
        ----------
        c_ : int
            The first.

        a_ : float
            Its own.
        """

        __module__ = "fastnn.derived"

    class Bare(Base):
        __module__ = "fastnn.derived"

    assert documented(Derived).__doc__.split("\n") == [
        "Summary.",
        "",
        "Attributes",
        "----------",
        "c_ : int",
        "    The first.",
        "",
        "a_ : float",
        "    Its own.",
        "",
        "b_ : int",
        "    The last.",
        "",
        "Notes",
        "-----",
        "Of the base.",
        "",
    ]
    assert documented(Bare).__doc__ is None  # as all are under python -OO


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (fastnn.MLPClassifier, fastnn.MLPRegressor),
        (fastnn.NeuralNetClassifier, fastnn.NeuralNetRegressor),
    ],
)
def test_shared_parameters_are_the_same(one, other):
    mine, theirs = (inspect.signature(each).parameters for each in (one, other))
    shared = mine.keys() & theirs.keys() - {"loss"}
    assert mine.keys() ^ theirs.keys() <= {"loss", "class_weight"}
    for name in shared:
        assert mine[name] == theirs[name]
        constraints = (each._parameter_constraints[name] for each in (one, other))
        assert operator.is_(*constraints), name
