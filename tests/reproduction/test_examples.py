"""The examples in the docstrings of the experiments run and give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("records", "rows", "encoded", "verdicts.asked")


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"glorot2010.{module}"))
    assert found.attempted and not found.failed
