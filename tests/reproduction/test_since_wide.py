"""Judges of D23 to D28: what they compute, and what they say of made-up changes and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glorot2010.catalogue import WIDTH_RATES, WIDTHS, width_arm
from glorot2010.verdicts import CLAIMS, since_wide
from glorot2010.verdicts.claim import Evidence, Verdict

NOISE = (0.01, -0.02, 0.005, 0.015, -0.01)  # by seed


# ------------------------------------------------------------------------------ a few updates

Powers = Mapping[str, tuple[float, float, float]]  # of first hidden, last hidden, logits
FLAT = (0.0, 0.0, 0.0)
THEORY: Powers = {"sp": (-0.5, -0.2, 0.5), "ntk": (-0.5, -0.5, 0.0), "mup": FLAT}


def judged(monkeypatch: pytest.MonkeyPatch, name: str, powers: Powers, spread: float) -> Verdict:
    """The verdict on changes that go by given powers of the width."""

    def moved(how: str, optimizer: str = "sgd", large_output: bool = False) -> pd.DataFrame:
        own = powers.get(f"{how}, {optimizer}, large" if large_output else how, FLAT)
        index = pd.MultiIndex.from_product([range(5), since_wide.CHECKED], names=["seed", "width"])
        seeds, width = (index.get_level_values(k).to_numpy(dtype=float) for k in (0, 1))
        wobble = spread * np.array(NOISE)[seeds.astype(int)]
        columns = ("first hidden", "last hidden", "logits")
        made = {c: width ** (p + wobble) for c, p in zip(columns, own, strict=True)}
        return pd.DataFrame(made, index)

    monkeypatch.setattr(since_wide, "moved", moved)
    return CLAIMS[name].judge(Evidence("no such folder")).verdict


@pytest.mark.parametrize(
    ("name", "changes", "spread", "expected"),
    [
        ("D23", {}, 1, "holds"),
        ("D23", {"sp": (0.0, 0.0, 0.05)}, 1, "holds in part"),
        ("D23", {"mup": (0.0, 0.2, 0.0)}, 1, "holds in part"),
        ("D23", {"sp": FLAT, "mup": (0.3, 0.2, -0.2)}, 1, "fails"),
        ("D23", {}, 30, "undecided"),
        ("D24", {}, 1, "holds"),
        ("D24", {"ntk": (-0.5, -0.3, 0.0)}, 1, "holds in part"),
        ("D24", {"ntk": FLAT, "mup": (0.0, -0.5, 0.0)}, 1, "holds in part"),
        ("D24", {"ntk": (0.0, 0.0, 0.5), "mup": (0.0, 0.5, 0.0)}, 1, "fails"),
        ("D24", {}, 30, "undecided"),
        ("D25", {}, 1, "holds"),
        ("D25", {"mup, adam, large": (0.0, 0.0, 0.5)}, 1, "holds in part"),
        ("D25", {"mup, adam, large": (0.5, 0.0, 0.0), "mup, sgd, large": (0, 0, -1)}, 1, "fails"),
        ("D25", {}, 30, "undecided"),
    ],
)
def test_a_few_updates_are_judged_by_their_exponents(
    name: str, changes: Powers, spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(monkeypatch, name, {**THEORY, **changes}, spread) == expected


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., pd.DataFrame]:
    monkeypatch.setattr(since_wide, "CHECKED", (8, 16))
    monkeypatch.setattr(since_wide, "SEEDS", (0, 1))
    found: Callable[..., pd.DataFrame] = since_wide.moved.__wrapped__
    return found


def test_what_moves_at_the_base_width_is_one_network(small: Callable[..., pd.DataFrame]) -> None:
    tables = [small(how) for how in ("sp", "ntk", "mup")]
    assert list(tables[0].index) == [(0, 8), (0, 16), (1, 8), (1, 16)]
    for table in tables[1:]:
        narrow = table.xs(8, level="width")
        assert np.allclose(narrow, tables[0].xs(8, level="width"), rtol=1e-4)
        assert not np.allclose(table, tables[0], rtol=1e-2)


def test_without_a_rate_nothing_moves(
    small: Callable[..., pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(since_wide.RATES, "adam", 0.0)  # type: ignore[misc]
    assert not small("sp", "adam").to_numpy().any()
    assert small("sp", "sgd").to_numpy().all()


def test_large_outputs_are_others(small: Callable[..., pd.DataFrame]) -> None:
    plain, large = small("mup", "adam"), small("mup", "adam", True)
    assert (plain["logits"] - large["logits"]).abs().min() > 1e-6


@pytest.mark.parametrize("power", [-1.5, 0.0, 0.4])
def test_exponents_are_those_of_powers(power: float) -> None:
    table = pd.DataFrame({n: [3 * n**power, 0.2 * n**power] for n in (8, 16, 64)}, dtype=float)
    assert since_wide.exponents(table) == pytest.approx([power, power], abs=1e-9)


# ------------------------------------------------------------------------------ the best rate


def made(optimizer: Any, best: Mapping[str, Callable[[int], float]], gain: float) -> pd.DataFrame:
    """Costs that are parabolas over the logarithm of the rate, lowest where it is said.

    Doubling the width lowers the lowest cost by ``gain``.
    """
    rows: list[dict[str, Any]] = []
    for how, of in best.items():
        for width in WIDTHS:
            for seed, noise in enumerate(NOISE):
                for lr in WIDTH_RATES[optimizer]:
                    away = np.log2(lr / of(width)) + noise
                    cost = 2 - gain * np.log2(width / WIDTHS[0]) + 0.01 * away**2 + noise / 100
                    said = {"stage": "main", "quantity": "final_cost", "seed": seed, "lr": lr}
                    rows.append({**said, "arm": width_arm(how, width), "value": cost})
    return pd.DataFrame(rows).drop_duplicates(["arm", "seed", "lr"])


class Given(Evidence):
    def __init__(self, **tables: pd.DataFrame) -> None:
        super().__init__("no such folder")
        self.tables = tables

    def rows(self, experiment: str) -> pd.DataFrame:
        return self.tables[experiment]


def power(optimizer: str, exponent: float) -> Callable[[int], float]:
    start = {"sgd": 0.2, "adam": 0.002}[optimizer]
    return lambda width: float(start * (width / WIDTHS[0]) ** exponent)


@pytest.mark.parametrize(
    ("sp", "mup", "expected"),
    [
        (-0.8, 0.0, "holds"),
        (-0.8, -0.6, "holds in part"),
        (0.0, 0.1, "holds in part"),
        (0.0, -0.6, "fails"),
        (-0.25, 0.25, "undecided"),
        (-0.8, -0.25, "undecided"),
    ],
)
@pytest.mark.parametrize(
    ("name", "experiment", "optimizer"), [("D26", "width", "sgd"), ("D27", "width_adam", "adam")]
)
def test_the_best_rate_is_judged_by_its_slope(
    name: str, experiment: str, optimizer: str, sp: float, mup: float, expected: Verdict
) -> None:
    best = {"sp": power(optimizer, sp), "mup": power(optimizer, mup)}
    rows = made(optimizer, best, 0.0)
    assert CLAIMS[name].judge(Given(**{experiment: rows})).verdict == expected


@pytest.mark.parametrize(
    ("sp", "gain", "expected"),
    [(-1.0, 0.02, "holds"), (0.0, 0.02, "holds in part"), (0.0, -0.02, "holds in part"),
     (-1.0, 0.0, "undecided")],
)  # fmt: skip
def test_wider_is_better_at_the_rate_of_the_narrowest(
    sp: float, gain: float, expected: Verdict
) -> None:
    tables = {
        name: made(optimizer, {"sp": power(optimizer, sp), "mup": power(optimizer, 0)}, gain)
        for name, optimizer in (("width", "sgd"), ("width_adam", "adam"))
    }
    assert CLAIMS["D28"].judge(Given(**tables)).verdict == expected


def test_a_best_rate_lies_between_the_rates_that_were_tried() -> None:
    rates = np.array([1.0, 2.0, 4.0, 8.0])
    costs = (np.log(rates) - np.log(3.0)) ** 2
    assert since_wide.best_rate(rates, costs) == pytest.approx(3.0)
    assert since_wide.best_rate(rates, costs[::-1]) == pytest.approx(8 / 3)
    assert since_wide.best_rate(rates, rates) == 1.0  # at an end it is that end
    assert since_wide.best_rate(rates, -rates) == 8.0
    assert since_wide.best_rate(rates, np.array([3.0, 1.0, np.inf, np.inf])) == 2.0


def test_a_run_that_diverged_is_never_the_best() -> None:
    rows = made("sgd", {"sp": power("sgd", 0.0)}, 0.0)
    high = max(WIDTH_RATES["sgd"])
    rows.loc[rows["lr"] == high, "value"] = np.nan
    assert np.isinf(since_wide.costs(rows, "sp", 64)[high]).all()
    assert (since_wide.best_rates(rows, "sp") < high).all(axis=None)


def test_bowls_leave_out_the_rates_at_which_some_seed_exploded() -> None:
    rows = made("sgd", {"sp": power("sgd", 0.0)}, 0.0)
    rates = sorted(WIDTH_RATES["sgd"])
    at = (rows["seed"] == 2) & (rows["lr"] == rates[-1]) & (rows["arm"] == width_arm("sp", 64))
    rows.loc[at, "value"] = np.nan
    table = since_wide.bowls(rows, "sp")
    assert np.allclose(2 ** table["power"], table["lr"])
    found = table.groupby("width", sort=False)["lr"].unique()
    assert list(found.index) == [f"{width} units" for width in WIDTHS]
    assert sorted(found["64 units"]) == rates[:-1] and sorted(found["128 units"]) == rates
