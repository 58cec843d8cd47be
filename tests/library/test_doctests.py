"""The examples in the docstrings of the library run and give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import xavier

MODULES = [path.stem for path in sorted(Path(xavier.__file__).parent.glob("*.py"))]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_are_true(module: str) -> None:
    name = "xavier" if module == "__init__" else f"xavier.{module}"
    assert doctest.testmod(importlib.import_module(name)).failed == 0
