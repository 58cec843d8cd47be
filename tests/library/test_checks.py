"""`xavier.checks`: what passes comes back clean, what does not is named, shown and explained."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xavier import checks

LOWEST = {checks.positive_int: 1, checks.count: 0, checks.seed: 0}
NAMES = ("sigmoid", "tanh", "softsign")


@pytest.mark.parametrize("check", LOWEST)
@given(value=st.integers(-(2**62), 2**63 - 1))
def test_an_integer_passes_exactly_from_the_lowest_on(check: Any, value: int) -> None:
    if value >= LOWEST[check]:
        assert check("units", value) == value
    else:
        with pytest.raises(
            ValueError, match=f"^units must be at least {LOWEST[check]}, got {value}$"
        ):
            check("units", value)


@pytest.mark.parametrize("check", LOWEST)
def test_what_is_no_integer_is_a_type_error_and_numpys_become_pythons(check: Any) -> None:
    assert type(check("units", np.int16(3))) is int
    for value in (True, 1.0, "1", None):
        message = f"units must be an integer, got {value!r}"
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            check("units", value)


def test_a_seed_fits_into_63_bits() -> None:
    assert checks.seed("seed", 2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match=r"^seed must be below 2\*\*63, got 9223372036854775808$"):
        checks.seed("seed", 2**63)


@given(value=st.floats() | st.fractions() | st.integers(-(10**400), 10**400))
def test_a_real_number_passes_exactly_if_finite_and_positive_if_asked(value: Any) -> None:
    fits = -sys.float_info.max <= value <= sys.float_info.max
    if fits:
        assert checks.finite("gain", value) == float(value)
        assert type(checks.finite("gain", value)) is float
    else:
        with pytest.raises(ValueError, match=f"^gain must be finite, got {value!r}$"):
            checks.finite("gain", value)
    number = float(value) if fits else math.nan
    for check, inside, allowed in (
        (checks.positive, number > 0, "above 0"),
        (checks.not_negative, number >= 0, "at least 0"),
        (checks.share, 0 < number < 1, "between 0 and 1"),
    ):
        if inside:
            assert check("gain", value) == number
        else:
            with pytest.raises(ValueError, match=f"^gain must be ({allowed}|finite), got "):
                check("gain", value)


@pytest.mark.parametrize("value", [True, "1", None, 1j, np.ones(2)], ids=repr)
def test_what_is_no_real_number_is_a_type_error(value: Any) -> None:
    message = f"gain must be a real number, got {value!r}"
    for check in (checks.finite, checks.positive, checks.not_negative, checks.share):
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            check("gain", value)


@given(value=st.text() | st.none() | st.integers() | st.sampled_from(NAMES))
def test_an_allowed_name_comes_back_and_any_other_is_refused_with_the_list(value: Any) -> None:
    if value in NAMES:
        assert checks.one_of("activation", value, NAMES) == value
    else:
        message = f"activation must be one of sigmoid, tanh, softsign, got {value!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            checks.one_of("activation", value, NAMES)


def test_an_instance_passes_and_all_else_is_shown_shortened() -> None:
    checks.instance("sizes", (3, 4), tuple, "a tuple")
    for value, shown in ((4, "4"), (None, "None"), ([0] * 100, "[0, 0, 0, 0, 0, 0, ...]")):
        message = f"sizes must be a tuple, got {shown}"
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            checks.instance("sizes", value, tuple, "a tuple")


def test_a_misspelt_name_is_told_its_nearest_match() -> None:
    with pytest.raises(ValueError, match=r"got 'softsing'; did you mean 'softsign'\?$"):
        checks.one_of("activation", "softsing", NAMES)
    with pytest.raises(ValueError, match=r"got 'xyz'$"):
        checks.one_of("activation", "xyz", NAMES)
