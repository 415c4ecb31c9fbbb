"""The page about texts, sequences and series shows what runs, and names everything."""

import re

import pytest

from fastnn import preprocessing


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "preprocessing.md").read_text()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page_runs(page, capsys):
    blocks = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", page, flags=re.S)
    assert len(blocks) == page.count("```python") == 4
    names = {}
    for code, printed in blocks:
        exec(code, names)
        assert capsys.readouterr().out == printed


def test_everything_is_named(page):
    assert not [name for name in preprocessing.__all__ if f"`{name}(" not in page]
