"""The page that lists the pieces names all of them."""

import pytest

from fastnn.layers.activation import ACTIVATION_NAMES


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "toolbox.md").read_text()


def test_every_activation_is_listed(page):
    missing = [name for name in ACTIVATION_NAMES if f'`"{name}"`' not in page]
    assert not missing
