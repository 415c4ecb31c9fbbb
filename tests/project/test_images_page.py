"""The page about images and signals shows what runs, and pictures that are there."""

import re

import pytest

from fastnn.layers import Conv2D


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "images.md").read_text()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page_runs(page, capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert len(blocks) == 6
    for block in blocks:
        exec(block, names)
        printed = capsys.readouterr().out
        printed = re.sub(r"not trained.*|memory.*", "", printed, flags=re.S)
        assert not printed or f"```\n{printed}```" in page
    X, y = names["X"], names["digits"].target
    assert names["columns"].score(names["digits"].data, y) > 0.9
    assert names["modern"].output_shape((8, 8, 1)) == (32,)
    encoded = names["there_and_back"].extract("encode").part
    assert encoded.output_shape((8, 8, 1)) == (16,)
    assert names["search"].best_score_ > 0.5
    assert names["model"].fit(X, y).coefs_[0].shape == (3, 3, 1, 16)


def test_shapes_are_those_of_the_table():
    for n, size, strides, dilation in [(9, 3, 1, 1), (9, 3, 2, 1), (9, 3, 1, 3)]:
        reach = dilation * (size - 1) + 1
        options = {"strides": strides, "dilation_rate": dilation}
        places = {"valid": (n - reach) // strides + 1, "same": -(-n // strides)}
        for padding, expected in places.items():
            layer = Conv2D(4, size, padding=padding, **options)
            assert layer.output_shape((n, n, 1)) == (expected, expected, 4)


def test_pictures_are_there(page, repository):
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert len(pictures) > 3
    for picture in pictures:
        assert (repository / "docs" / picture).exists()
