"""The page that lists the pieces names all of them, with their options and defaults."""

import inspect
import re

import pytest

from fastnn import (
    Branches,
    Graph,
    Heads,
    Inputs,
    Pretrained,
    Residual,
    Sequential,
    Targets,
    averaging,
    callbacks,
    constraints,
    layers,
    losses,
    mixing,
    optimizers,
    regularizers,
    schedules,
)
from fastnn.estimators.regression import LOSSES
from fastnn.initializers import INITIALIZERS
from fastnn.layers.activation import ACTIVATION_NAMES


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "toolbox.md").read_text()


def call(description):
    """The class as it is written down: ``Huber(delta=1.0)``."""
    arguments = [
        name if option.default is option.empty else f"{name}={option.default!r}"
        for name, option in inspect.signature(description).parameters.items()
    ]
    return f"{description.__name__}({', '.join(arguments)})"


def described(package, *bases):
    """Public classes of a package but its base classes."""
    return [getattr(package, name) for name in package.__all__ if name not in bases]


def test_every_activation_is_listed(page):
    missing = [name for name in ACTIVATION_NAMES if f'`"{name}"`' not in page]
    assert not missing


@pytest.mark.parametrize(
    "description", described(losses, "Loss", "ElementwiseLoss"), ids=call
)
def test_every_loss_is_listed(page, description):
    assert f"`{call(description)}`" in page
    if description in LOSSES.values():
        assert f'`"{description.name}"`' in page


@pytest.mark.parametrize(
    "description",
    described(optimizers, "Optimizer", "SklearnAdam", "SklearnSGD"),
    ids=call,
)
def test_every_optimizer_is_listed(page, description):
    (row,) = (
        line
        for line in page.splitlines()
        if line.startswith(f"| `{description.__name__}` |") and "`weight_decay=" in line
    )
    for name, value in description().get_params().items():
        if name == "learning_rate":
            assert f"| {value} |" in row
        elif not name.startswith("clip_"):
            assert f"`{name}={value!r}`" in row


@pytest.mark.parametrize(
    "description", described(schedules, "Schedule", "as_schedule"), ids=call
)
def test_every_schedule_is_listed(page, description):
    assert f"| `{call(description)}` |" in page


def test_every_initializer_is_listed(page):
    assert all(f'| `"{name}"` |' in page for name in INITIALIZERS)


@pytest.mark.parametrize(
    "description",
    [Sequential, Branches, Residual, Graph, Heads, Pretrained],
    ids=call,
)
def test_every_network_is_listed(page, description):
    assert f"| `{call(description)}` |" in page


@pytest.mark.parametrize("container", [Inputs, Targets])
def test_every_container_is_listed(page, container):
    assert f"| `{container.__name__}(**arrays)` |" in page


@pytest.mark.parametrize(
    "description", described(layers, "Layer", "Merge", "Dense"), ids=call
)
def test_every_layer_is_listed(page, description):
    assert f"`{call(description)}`".replace("'", '"') in page


@pytest.mark.parametrize(
    "description",
    [
        *(regularizers.L1, regularizers.L2, regularizers.L1L2),
        *(constraints.MaxNorm, averaging.EMA, averaging.SWA),
        *(mixing.Mixup, mixing.CutMix),
    ],
    ids=call,
)
def test_every_way_to_regularise_is_listed(page, description):
    assert f"`{call(description)}`" in page


def test_every_picture_is_there(page, repository):
    pictures = re.findall(r"\]\((images/.*?)\)", page)
    assert len(pictures) > 5
    assert all((repository / "docs" / picture).exists() for picture in pictures)
    files = {path.name for path in (repository / "docs" / "images").iterdir()}
    assert files == {picture.partition("/")[2] for picture in pictures}


@pytest.mark.parametrize(
    "description",
    described(
        callbacks, "Callback", "Run", "LearningRateDisplay", "LearningRateFinder"
    ),
    ids=call,
)
def test_every_callback_is_listed(repository, description):
    page = (repository / "docs" / "networks.md").read_text()
    assert f"`{call(description)}`".replace("'", '"') in page
