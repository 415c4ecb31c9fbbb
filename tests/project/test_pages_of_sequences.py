"""The pages about texts and time series show what runs, and pictures that are there."""

import re

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", ["text", "time_series"])
def test_code_and_pictures_of_the_page(name, repository, capsys):
    page = (repository / "docs" / f"{name}.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", page, flags=re.S)
    assert len(blocks) == page.count("```python") == 1
    names = {}
    for code, printed in blocks:
        exec(code, names)
        assert capsys.readouterr().out == printed
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert pictures
    assert all((repository / "docs" / picture).exists() for picture in pictures)
