"""Checks of arguments: each names the argument, the value it had and what is allowed."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

Name = TypeVar("Name", bound=str)


def positive_int(name: str, value: Any) -> int:
    """Return ``value`` as an int of at least 1; a TypeError or ValueError if it is none."""
    return _int_from(1, name, value)


def count(name: str, value: Any) -> int:
    """Return ``value`` as an int of at least 0; a TypeError or ValueError if it is none."""
    return _int_from(0, name, value)


def position(own: Mapping[str, Any], state: Mapping[str, Any]) -> int:
    """Return where a stream stood by its ``state``, which else is its ``own``; or an error."""
    if "position" not in state or {**state, "position": 0} != {**own, "position": 0}:
        raise ValueError(f"state must be one of this stream, such as {own}, got {state}")
    return count("state['position']", state["position"])


def seed(name: str, value: Any) -> int:
    """Return ``value`` as a seed, an int from 0 to 2**63 - 1; a TypeError or ValueError else."""
    number = _int_from(0, name, value)
    if number >= 2**63:
        raise ValueError(f"{name} must be below 2**63, got {value!r}")
    return number


def finite(name: str, value: Any) -> float:
    """Return a real number as a finite float; a TypeError or ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction beyond all floats
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def positive(name: str, value: Any) -> float:
    """Return a real number as a finite float above 0; a TypeError or ValueError if it is none."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return number


def not_negative(name: str, value: Any) -> float:
    """Return a real number as a finite float of at least 0; a TypeError or ValueError else."""
    number = finite(name, value)
    if number < 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return number


def share(name: str, value: Any) -> float:
    """Return a real number between 0 and 1, neither of them; a TypeError or ValueError else."""
    number = finite(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return number


def instance(name: str, value: Any, kind: Any, what: str) -> None:
    """Raise a TypeError if ``value`` is not of the ``kind``, which ``what`` says in words.

    >>> instance("sizes", 4, Iterable, "a sequence of integers")
    Traceback (most recent call last):
    TypeError: sizes must be a sequence of integers, got 4
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {what}, got {reprlib.repr(value)}")


def one_of(name: str, value: Any, allowed: Iterable[Name]) -> Name:
    """Return ``value`` if it is among the ``allowed`` names; else a ValueError with the nearest.

    >>> one_of("rule", "golrot", ["lecun", "glorot"])
    Traceback (most recent call last):
    ValueError: rule must be one of lecun, glorot, got 'golrot'; did you mean 'glorot'?
    """
    names = list(allowed)
    for candidate in names:
        if isinstance(value, str) and value == candidate:
            return candidate
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}{hint}")


def _int_from(lowest: int, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    number = int(value)
    if number < lowest:
        raise ValueError(f"{name} must be at least {lowest}, got {value!r}")
    return number
