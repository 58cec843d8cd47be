"""The support vector machine: how it is tuned, and what is told of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor

from glorot2010 import svm
from glorot2010.svm import GAMMAS
from xavier.shapeset import FREQUENCIES, Shapeset

Examples = tuple[Tensor, Tensor]


class Rings:
    """A stream of points in the plane, labelled by their distance from 0 and some by chance."""

    labels = (2, 5, 6, 9)  # of no order that counting from 0 would give

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.given = 0

    def batch(self, n: int) -> Examples:
        self.given += n
        x = torch.randn(n, 2, generator=self.generator)
        ring = (x.norm(dim=1) * 1.5).long().clamp(max=3)
        chance = torch.randint(4, (n,), generator=self.generator)
        ring = torch.where(torch.rand(n, generator=self.generator) < 0.1, chance, ring)
        return x, torch.tensor(self.labels)[ring]

    def state(self) -> dict[str, Any]:
        return {"given": self.given}

    def restore(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


def error(train: Examples, test: Examples, c: float, gamma: float) -> float:
    return svm.fit(train, test, c, gamma)[0]


def test_two_classes_and_labels_that_training_did_not_have() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    train = x, torch.tensor([7, 7, 3, 3])
    test = torch.tensor([[-1.5], [1.5], [-1.2], [1.2]])
    for labels, expected in (([7, 3, 7, 3], 0.0), ([7, 3, 5, 9], 0.5), ([3, 7, 3, 7], 1.0)):
        assert svm.fit(train, (test, torch.tensor(labels)), 10.0, 0.5) == (expected, 4)


def test_on_shapeset_it_is_better_than_chance() -> None:
    train, test = Shapeset(0).batch(600), Shapeset(1).batch(1000)
    variance = 1024 * float(train[0].double().var(correction=0))
    assert GAMMAS[0] < 1 / variance < GAMMAS[1]
    # Three standard errors of a share of 1,000 are 0.035.
    assert error(train, test, 10.0, 1 / variance) < 1 - max(FREQUENCIES) - 0.035


def test_tuning_gives_the_error_of_every_setting_the_best_first() -> None:
    train, validation = Rings(0).batch(200), Rings(1).batch(500)
    cs, gammas = (0.3, 30.0, 3.0), (3.0, 0.3)
    rows = svm.tune(train, validation, cs, gammas)
    assert {tuple(pair) for pair in rows[["c", "gamma"]].to_numpy()} == {
        (c, gamma) for c in cs for gamma in gammas
    }
    assert rows.index.tolist() == list(range(6))
    assert rows.error.is_monotonic_increasing and rows.error.nunique() > 3
    for row in rows.to_dict("records"):
        assert row["error"] == error(train, validation, row["c"], row["gamma"])


def test_of_equally_good_settings_the_smaller_c_and_then_the_smaller_gamma_come_first() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    examples = x, torch.tensor([0, 0, 1, 1])
    rows = svm.tune(examples, examples, (3.0, 1.0), (1.0, 0.5))
    assert rows.to_numpy().tolist() == [[1, 0.5, 0], [1, 1, 0], [3, 0.5, 0], [3, 1, 0]]


def test_the_trend_has_a_row_for_every_size_with_the_test_error_of_the_tuned_setting() -> None:
    cs, gammas = (1.0, 30.0), (0.3, 3.0)
    made: dict[int, Rings] = {}
    rows = svm.trend(
        lambda seed: made.setdefault(seed, Rings(seed)), (30, 100, 300), cs=cs, gammas=gammas,
        seeds=(4, 5, 6), held_out=400,
    )  # fmt: skip
    assert {seed: rings.given for seed, rings in made.items()} == {4: 300, 5: 400, 6: 400}
    assert rows.n.tolist() == [30, 100, 300]
    images, labels = Rings(4).batch(300)
    validation, test = Rings(5).batch(400), Rings(6).batch(400)
    for row in rows.to_dict("records"):
        train = images[: row["n"]], labels[: row["n"]]
        best = svm.tune(train, validation, cs, gammas).iloc[0]
        assert (row["c"], row["gamma"]) == (best.c, best.gamma)
        found = svm.fit(train, test, row["c"], row["gamma"])
        assert (row["error"], row["support_vectors"]) == found
    assert rows.error.iloc[-1] < rows.error.iloc[0]


def test_sizes_above_a_limit_use_the_setting_of_the_largest_below() -> None:
    settings: dict[str, Any] = {
        "cs": (0.03, 30.0), "gammas": (0.03, 3.0), "seeds": (4, 5, 6), "held_out": 400
    }  # fmt: skip
    tuned = svm.trend(Rings, (20, 50, 400), **settings)
    some = svm.trend(Rings, (20, 50, 400), tune_up_to=50, **settings)
    pd.testing.assert_frame_equal(some[:2], tuned[:2])
    for rows, last in ((some, 1), (svm.trend(Rings, (20, 50, 400), tune_up_to=20, **settings), 0)):
        for n in range(last, 3):
            assert (rows.c[n], rows.gamma[n]) == (tuned.c[last], tuned.gamma[last])
