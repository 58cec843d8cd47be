"""The support vector machine against scikit-learn's own, used plainly, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.svm import SVC
from torch import Tensor

from glorot2010 import baselines
from glorot2010.baselines import CS, GAMMAS, gamma_scale, svm_error, svm_trend, tune_svm
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


def plain(train: Examples, c: float, gamma: float | str) -> SVC:
    """Trained by scikit-learn, all classes at once and with its own kernel."""
    return SVC(C=c, gamma=gamma).fit(train[0].double().numpy(), train[1].numpy())


def answers(machine: SVC, images: Tensor) -> Tensor:
    return torch.from_numpy(machine.predict(images.double().numpy()))


# ------------------------------------------------------------------------------------- one machine


@pytest.mark.parametrize(("c", "gamma"), [(0.1, 0.3), (3.0, 1.0), (100.0, 10.0), (1.0, 1e-3)])
def test_the_machine_answers_as_scikit_learns_does(c: float, gamma: float) -> None:
    train, (images, labels) = Rings(0).batch(400), Rings(1).batch(2500)
    machine = plain(train, c, gamma)
    theirs = answers(machine, images)
    assert svm_error(train, (images, labels), c=c, gamma=gamma) == pytest.approx(
        float((theirs != labels).double().mean()), abs=1e-3
    )
    # Answer by answer. Both stop within 1e-3 of the optimum, on kernels that differ by rounding:
    # two answers of 2,500 may be a toss-up.
    assert svm_error(train, (images, theirs), c=c, gamma=gamma) < 1e-3
    [votes] = baselines._fit((train[0].double().numpy(), train[1].numpy()), [c], gamma, 1.0)
    assert votes.support == len(machine.support_)


def test_the_machine_answers_as_scikit_learns_does_on_shapeset() -> None:
    train, (images, labels) = Shapeset(0).batch(600), Shapeset(1).batch(1000)
    gamma = gamma_scale(train[0])
    theirs = answers(plain(train, 10.0, "scale"), images)
    assert svm_error(train, (images, theirs), c=10.0, gamma=gamma) < 3e-3
    chance = 1 - max(FREQUENCIES)
    # Three standard errors of a share of 1,000 are 0.035.
    assert svm_error(train, (images, labels), c=10.0, gamma=gamma) < chance - 0.035


def test_two_classes_and_labels_that_training_did_not_have() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    train = x, torch.tensor([7, 7, 3, 3])
    test = torch.tensor([[-1.5], [1.5], [-1.2], [1.2]])
    assert svm_error(train, (test, torch.tensor([7, 3, 7, 3])), c=10.0, gamma=0.5) == 0.0
    assert svm_error(train, (test, torch.tensor([7, 3, 5, 9])), c=10.0, gamma=0.5) == 0.5
    assert svm_error(train, (test, torch.tensor([3, 7, 3, 7])), c=10.0, gamma=0.5) == 1.0


def test_of_classes_with_equally_many_votes_the_first_wins() -> None:
    """Three classes that beat each other in a circle; then the second beats both others."""
    decisions = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [0.0, 0.0, 0.0]])
    # In the order of the pairs 0 1, 0 2, 1 2; above 0 is for the second of the pair, and so is 0.
    assert baselines._winners(decisions, 3).tolist() == [0, 0, 1, 2]


def test_the_number_of_images_answered_at_a_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, test = Rings(0).batch(150), Rings(1).batch(333)
    whole = svm_error(train, test, c=3.0, gamma=1.0)
    monkeypatch.setattr(baselines, "_ANSWERED", 10)
    monkeypatch.setattr(baselines, "_ROWS", 7)
    assert svm_error(train, test, c=3.0, gamma=1.0) == whole


def test_the_kernel_is_gaussian() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(130, 4)), generator.normal(size=(50, 4))
    expected = np.exp(-0.3 * ((a[:, None] - b[None]) ** 2).sum(-1))
    np.testing.assert_allclose(baselines._kernel(a, b, 0.3), expected, rtol=1e-12)
    same = baselines._kernel(100 * a, 100 * a, 0.3)
    # Squared distances of things that are equal: 1e5 times 1e-16, times 0.3.
    np.testing.assert_allclose(same.diagonal(), 1.0, rtol=1e-10)
    assert (same <= 1).all()


def test_the_scale_of_gamma_is_scikit_learns() -> None:
    images, _ = Shapeset(3).batch(300)
    assert gamma_scale(images) == pytest.approx(1 / (1024 * images.double().var(correction=0)))
    # 1 / (1024 * 0.371): what GAMMAS are around.
    assert GAMMAS[0] < gamma_scale(Shapeset(0).batch(3000)[0]) < GAMMAS[1]
    assert gamma_scale(10 * images) == pytest.approx(gamma_scale(images) / 100)


# -------------------------------------------------------------------------------------- the tuning


def test_tuning_gives_the_error_of_every_setting_the_best_first() -> None:
    train, validation = Rings(0).batch(200), Rings(1).batch(500)
    cs, gammas = (0.3, 30.0, 3.0), (3.0, 0.3)
    rows = tune_svm(train, validation, cs, gammas)
    assert list(rows.columns) == ["c", "gamma", "error"]
    assert rows.index.tolist() == list(range(6))
    assert {tuple(pair) for pair in rows[["c", "gamma"]].to_numpy()} == {
        (c, gamma) for c in cs for gamma in gammas
    }
    assert rows.error.is_monotonic_increasing
    assert rows.error.nunique() > 3
    for row in rows.itertuples():
        expected = svm_error(train, validation, c=float(row.c), gamma=float(row.gamma))  # type: ignore[arg-type]
        assert row.error == expected


def test_of_equally_good_settings_the_smaller_c_and_then_the_smaller_gamma_come_first() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    examples = x, torch.tensor([0, 0, 1, 1])
    rows = tune_svm(examples, examples, (3.0, 1.0), (1.0, 0.5))
    assert rows.to_numpy().tolist() == [[1, 0.5, 0], [1, 1, 0], [3, 0.5, 0], [3, 1, 0]]


# --------------------------------------------------------------------------------------- the trend


def test_the_trend_has_a_row_for_every_size_with_the_test_error_of_the_tuned_setting() -> None:
    cs, gammas = (1.0, 30.0), (0.3, 3.0)
    rows = svm_trend(Rings, (100, 30, 300), cs=cs, gammas=gammas, seeds=(4, 5, 6), held_out=400)
    assert list(rows.columns) == ["n", "c", "gamma", "error", "seconds", "support_vectors"]
    assert rows.n.tolist() == [30, 100, 300]
    images, labels = Rings(4).batch(300)
    validation, test = Rings(5).batch(400), Rings(6).batch(400)
    for row in rows.to_dict("records"):
        train = images[: row["n"]], labels[: row["n"]]
        best = tune_svm(train, validation, cs, gammas).iloc[0]
        assert (row["c"], row["gamma"]) == (best.c, best.gamma)
        assert row["error"] == svm_error(train, test, c=row["c"], gamma=row["gamma"])
        assert row["support_vectors"] == len(plain(train, row["c"], row["gamma"]).support_)
        assert row["seconds"] > 0
    assert rows.error.iloc[-1] < rows.error.iloc[0]


def test_sizes_above_a_limit_use_the_setting_of_the_largest_below() -> None:
    settings: dict[str, Any] = {
        "cs": (0.03, 30.0), "gammas": (0.03, 3.0), "seeds": (4, 5, 6), "held_out": 400
    }  # fmt: skip
    tuned = svm_trend(Rings, (20, 50, 400), **settings)
    some = svm_trend(Rings, (20, 50, 400), tune_up_to=50, **settings)
    only = svm_trend(Rings, (20, 50, 400), tune_up_to=20, **settings)
    drop = ["seconds"]
    pd.testing.assert_frame_equal(some[:2].drop(columns=drop), tuned[:2].drop(columns=drop))
    for rows, last in ((some, 1), (only, 0)):
        for n in range(last, 3):
            assert (rows.c[n], rows.gamma[n]) == (tuned.c[last], tuned.gamma[last])


def test_the_trend_draws_no_more_than_it_needs() -> None:
    made: dict[int, Rings] = {}

    def stream(seed: int) -> Rings:
        return made.setdefault(seed, Rings(seed))

    svm_trend(stream, (30, 100), cs=(1.0,), gammas=(1.0,), held_out=50)
    assert {seed: rings.given for seed, rings in made.items()} == {0: 100, 1: 50, 2: 50}


def test_what_is_to_choose_from_on_shapeset_is_in_rising_order() -> None:
    assert list(CS) == sorted(set(CS))
    assert list(GAMMAS) == sorted(set(GAMMAS))


# -------------------------------------------------------------------------------------- bad inputs

IMAGES, LABELS = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1, 1])


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ((IMAGES.long(), LABELS), TypeError, r"\[0\] must be a tensor of a floating dtype.*int64"),
        ((IMAGES.numpy(), LABELS), TypeError, r"floating dtype, got ndarray"),
        ((IMAGES[0], LABELS), ValueError, r"\[0\] must have shape \(n, d\), none 0, got \(2,\)"),
        ((IMAGES[:0], LABELS[:0]), ValueError, r"none 0, got \(0, 2\)"),
        ((IMAGES / 0, LABELS), ValueError, r"\[0\] must hold finite numbers"),
        ((IMAGES, LABELS.float()), TypeError, r"\[1\] must be int64 labels, got torch.float32"),
        ((IMAGES, [0, 1, 1]), TypeError, r"\[1\] must be int64 labels, got list"),
        ((IMAGES, LABELS[:2]), ValueError, r"got 3 images and labels of shape \(2,\)"),
    ],
)
def test_examples_that_are_none_are_refused(
    examples: Any, error: type[Exception], message: str
) -> None:
    good = IMAGES, LABELS
    with pytest.raises(error, match="train" + ".*" + message):
        svm_error(examples, good, c=1.0, gamma=1.0)
    with pytest.raises(error, match="test" + ".*" + message):
        svm_error(good, examples, c=1.0, gamma=1.0)
    with pytest.raises(error, match="validation" + ".*" + message):
        tune_svm(good, examples)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"c": 0.0}, ValueError, "c must be above 0"),
        ({"c": "1"}, TypeError, "c must be a real number"),
        ({"gamma": -1.0}, ValueError, "gamma must be above 0"),
        ({"gamma": float("nan")}, ValueError, "gamma must be finite"),
        ({"memory_gb": 0}, ValueError, "memory_gb must be above 0"),
        ({"train": (IMAGES[1:], LABELS[1:])}, ValueError, "at least two classes, got only 1"),
        ({"test": (IMAGES[:, :1], LABELS)}, ValueError, "same number of pixels.* got 2 and 1"),
    ],
)
def test_settings_that_make_no_machine_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    good: dict[str, Any] = {
        "train": (IMAGES, LABELS), "test": (IMAGES, LABELS), "c": 1.0, "gamma": 1.0
    }  # fmt: skip
    arguments = {**good, **changes}
    with pytest.raises(error, match=message):
        svm_error(arguments.pop("train"), arguments.pop("test"), **arguments)


def test_a_kernel_that_needs_too_much_memory_is_refused_before_it_is_made() -> None:
    """The two largest classes are of 900 and 80 images: 980^2 times 8 bytes."""
    images = torch.zeros(1000, 1)
    labels = torch.tensor([0] * 80 + [1] * 900 + [2] * 20)
    message = "train has 980 images in its two largest classes, whose kernel takes 0.00768 GB"
    with pytest.raises(ValueError, match=message):
        svm_error((images, labels), (images, labels), c=1.0, gamma=1.0, memory_gb=0.007)


def test_ranges_and_sizes_that_are_none_are_refused() -> None:
    good = IMAGES, LABELS
    for changes, message in (
        ({"cs": ()}, r"cs must hold at least one number, got \(\)"),
        ({"gammas": []}, r"gammas must hold at least one number"),
        ({"cs": (1.0, 0.0)}, r"cs\[1\] must be above 0"),
        ({"gammas": (-1.0,)}, r"gammas\[0\] must be above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            tune_svm(good, good, **changes)
    for arguments, message in (
        ({"sizes": ()}, "sizes must hold at least one"),
        ({"sizes": (10, 0)}, r"sizes\[1\] must be at least 1"),
        ({"sizes": (10,), "held_out": 0}, "held_out must be at least 1"),
        ({"sizes": (10, 20), "tune_up_to": 9}, "tune_up_to must be at least the smallest size 10"),
        ({"sizes": (10,), "seeds": (0, 1, 1)}, "seeds must be three different ones"),
        ({"sizes": (10,), "seeds": (0, 1)}, "seeds must be three different ones"),
    ):
        with pytest.raises(ValueError, match=message):
            svm_trend(Rings, **arguments)
    with pytest.raises(TypeError, match="cs must be a sequence of numbers, got 3"):
        tune_svm(good, good, 3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sizes must be a sequence of numbers of images, got 10"):
        svm_trend(Rings, 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="images must not all be one constant"):
        gamma_scale(torch.ones(3, 4))
