"""Plain data survive the way to the judge and back; nothing else gets through."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from xavier_grading.check import values
from xavier_grading.check.values import Expression, NotPlain, dumps, loads


def there_and_back(value: Any) -> Any:
    return loads(dumps(value))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    assert there_and_back(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (range(3), [0, 1, 2]),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.True_, True),
        (Fraction(3, 7), Fraction(3, 7)),
        (np.array([Fraction(1, 3), 2], dtype=object), [Fraction(1, 3), 2]),
        (pd.Series([1, 2]), [1, 2]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), {"a": [1, 2], "b": ["x", "y"]}),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "a", (2, 3): "b"}, {1: "a", (2, 3): "b"}),
        (sympy.Symbol("x") ** 2 / 3, Expression("x**2/3")),
        ({"fraction": [1, 2]}, {"fraction": [1, 2]}),
        (math.inf, math.inf),
        (10**400, 10**400),
    ],
)
def test_other_kinds(value: Any, expected: Any) -> None:
    found = there_and_back(value)
    assert found == expected and type(found) is type(expected)


def test_an_array_without_a_dimension_has_none_afterwards() -> None:
    assert there_and_back(np.array(3.0)).shape == () == there_and_back(torch.tensor(3.0)).shape


def test_not_a_number() -> None:
    assert math.isnan(there_and_back(math.nan))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32", "float64"])
def test_arrays(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    for value in (array, array.T, torch.from_numpy(array) if dtype != "uint64" else array):
        found = there_and_back(value)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, np.asarray(value))


def test_halves_and_tables_without_names_arrive_as_arrays() -> None:
    half = torch.tensor([0.5, 1.5], dtype=torch.bfloat16)
    assert there_and_back(half).tolist() == [0.5, 1.5]
    assert there_and_back(pd.DataFrame(np.eye(2))).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "content",
    ['["<f8", [1000000000, 1000000000], ""]', '["|O", [1], "AAAAAAAAAAA="]',
     '["<f8", "x", ""]', '["<f8", [1], "?"]', '["<f8"]', "3", '["f8,f8", [1], ""]'],
)  # fmt: skip
def test_an_array_that_is_none_asks_for_no_memory(content: str) -> None:
    with pytest.raises(NotPlain):
        loads(f'{{"array": {content}}}')


class Yes:
    """Equal to everything, and whatever is asked for."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __reduce__(self) -> Any:
        raise AssertionError("it was pickled")


class Float(float):
    """A float that says that it is another."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [Yes(), [Yes()], {"a": Yes()}, np.array([Yes()]), np.array(["a"]), 1j, lambda: 1, object, b"x"],
)
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(NotPlain):
        dumps(value)


def test_a_subclass_is_taken_for_what_it_holds() -> None:
    assert type(there_and_back(Float(2.0))) is float
    assert there_and_back(Float(2.0)) == 2.0 and type(there_and_back(Text("a"))) is str


def test_a_list_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(NotPlain, match="deep"):
        dumps(value)


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "LARGEST", 100)
    with pytest.raises(NotPlain, match="bytes"):
        dumps(np.zeros(100))
    with pytest.raises(NotPlain, match="bytes"):
        loads(json.dumps("x" * 200))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        '{"unknown": 1}',
        '{"dict": 3}',
        '{"fraction": [1, 0]}',
        '{"float": "x"}',
        '{"array": "!!"}',
        '{"array": ["<U1", [1], "YQAAAA=="]}',
        "[" * 100_000,
        '{"dict": [], "float": "nan"}',
    ],
)
def test_what_did_not_come_from_dumps_is_refused(text: str) -> None:
    with pytest.raises(NotPlain):
        loads(text)
