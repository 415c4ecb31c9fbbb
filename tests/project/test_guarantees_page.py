"""docs/guarantees.md names tests and targets that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PATH = ROOT / "docs" / "guarantees.md"
if not PATH.exists():
    pytest.skip("needs a checkout", allow_module_level=True)
PAGE = PATH.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if not row.startswith("| promise")]


@cache
def names_in(name):
    tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_holds_a_promise_is_there(file, test):
    assert test in names_in(file)


def test_every_promise_is_held():
    assert len(PROMISES) > 40
    for row in PROMISES:
        _, promise, holders, _ = row.split("|")
        assert promise.strip()
        assert "::" in holders or "`make sanitize`" in holders, row


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([\w-]+)`", PAGE))))
def test_targets_are_there(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
