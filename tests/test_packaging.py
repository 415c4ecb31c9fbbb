"""What a user gets by installing fastnn, apart from what it computes."""

import importlib
import inspect
import re
import subprocess
import sys
from importlib import metadata, resources

import pytest

import fastnn

MODULES = [
    "fastnn",
    "fastnn.averaging",
    "fastnn.constraints",
    "fastnn.initializers",
    "fastnn.layers",
    "fastnn.losses",
    "fastnn.network",
    "fastnn.optimizers",
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
