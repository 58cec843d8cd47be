"""Plain data: all that passes between a submission and the process that judges it.

A value is turned into JSON in the submission's process and back in the judge's, where nothing is
imported, unpickled or evaluated: what is not one of the kinds below does not come through, and an
object whose ``==`` always says yes arrives as the data that it holds, or not at all.

Numbers, texts, lists and dicts arrive as they are, tuples and sets as lists, arrays and tensors as
arrays of numbers, tables as dicts of columns, fractions as fractions. A SymPy expression arrives as
an `Expression`, which is its text.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

LARGEST: int = 64_000_000
"""Bytes that one answer may have."""

_DEEPEST = 30  # lists in lists
_LONGEST = 2_000_000  # items of one list
_KINDS = "biuf"  # of arrays: booleans, integers, unsigned ones and floats


class NotPlain(ValueError):
    """A value is of a kind that does not come through, or is too large."""


@dataclass(frozen=True)
class Expression:
    """A formula as text, as SymPy prints it."""

    text: str


def dumps(value: Any) -> str:
    """A value as one line of JSON.

    Raises:
        NotPlain: it, or something in it, is of another kind, or it is too large.
    """
    text = json.dumps(_plain(value, 0), allow_nan=False)
    if len(text) > LARGEST:
        raise NotPlain(f"an answer may have {LARGEST:,} bytes, this one has {len(text):,}")
    return text


def loads(text: str | bytes) -> Any:
    """The value that `dumps` wrote.

    Raises:
        NotPlain: the text is something else.
    """
    if len(text) > LARGEST:
        raise NotPlain(f"an answer may have {LARGEST:,} bytes, this one has {len(text):,}")
    try:
        return _value(json.loads(text), 0)
    except Exception as error:  # a stranger's text can be wrong in any way
        raise NotPlain(f"that is no plain data: {error}") from None


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise NotPlain(f"lists may be {_DEEPEST} deep, this one is deeper, or holds itself")
    # Exact types, and base-class methods: a subclass could say anything of itself.
    kind = type(value)
    if value is None or kind in (bool, str, int):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is complex:
        raise NotPlain("a complex number is no plain data")
    if isinstance(value, Fraction):
        return {"fraction": [int(value.numerator), int(value.denominator)]}
    if (found := _foreign(value)) is not None:
        return found
    if isinstance(value, list | tuple | set | frozenset | range):
        if len(value) > _LONGEST:
            raise NotPlain(f"a list may have {_LONGEST:,} items, this one has {len(value):,}")
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
        if set(map(type, items)) == {float} and all(map(math.isfinite, items)):
            return items  # the common long list
        return [_plain(item, depth + 1) for item in items]
    if isinstance(value, Mapping):
        return {"dict": [[_plain(k, depth + 1), _plain(v, depth + 1)] for k, v in value.items()]}
    if isinstance(value, bool | str | int | float):  # of a subclass
        return _plain(
            next(base for base in (bool, str, int, float) if isinstance(value, base))(value), depth
        )
    raise NotPlain(f"a {kind.__module__}.{kind.__qualname__} is no plain data")


def _foreign(value: Any) -> Any:
    """An array, tensor, table or expression in plain data; None if it is none of these."""
    if isinstance(value, np.generic):
        return _plain(value.item(), 0)
    if isinstance(value, np.ndarray):
        return _array(value)
    if (torch := sys.modules.get("torch")) is not None and isinstance(value, torch.Tensor):
        held = value.detach().cpu()
        return _array((held.float() if held.dtype is torch.bfloat16 else held).numpy())
    if (pandas := sys.modules.get("pandas")) is not None:
        if isinstance(value, pandas.DataFrame) and isinstance(value.columns, pandas.RangeIndex):
            return _array(value.to_numpy())  # columns without names: a matrix
        if isinstance(value, pandas.DataFrame):
            return _plain({str(name): list(value[name]) for name in value}, 0)
        if isinstance(value, pandas.Series | pandas.Index):
            return _plain(list(value), 0)
    if (sympy := sys.modules.get("sympy")) is not None and isinstance(value, sympy.Basic):
        return {"expression": sympy.sstr(value)}
    if isinstance(value, Expression):
        return {"expression": str(value.text)}
    return None


def _array(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype == object:  # of fractions, perhaps
        return _plain(array.tolist(), 0)
    if array.dtype.kind not in _KINDS:
        raise NotPlain(f"an array of {array.dtype} is no plain data")
    array = array.astype(array.dtype.newbyteorder("<"), order="C")
    held = base64.b64encode(array.tobytes()).decode()
    return {"array": [array.dtype.str, list(array.shape), held]}


def _value(plain: Any, depth: int) -> Any:
    if depth > 2 * _DEEPEST:
        raise NotPlain("lists are too deep")
    if isinstance(plain, list):
        if set(map(type, plain)) == {float}:
            return plain
        return [_value(item, depth + 1) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == "dict":
        return {_key(_value(k, depth + 1)): _value(v, depth + 1) for k, v in content}
    if kind == "float":
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]
    if kind == "fraction":
        top, bottom = content
        return Fraction(int(top), int(bottom))
    if kind == "expression":
        return Expression(str(content))
    if kind == "array":
        kind, shape, held = content
        dtype = np.dtype(str(kind))
        if dtype.kind not in _KINDS:
            raise NotPlain(f"an array of {dtype} is no plain data")
        # As many numbers as there are bytes for: a shape alone asks for no memory.
        array = np.frombuffer(base64.b64decode(held, validate=True), dtype)
        return array.reshape([int(n) for n in shape]).copy()
    raise NotPlain(f"{kind!r} is no kind of data")


def _key(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key
