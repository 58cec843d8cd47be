"""By which law weights were drawn: every law from its own draws, and where recognition ends."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xavier import rules
from xavier.laws import LAWS, Draw, Law, draw_of, needed, recognize
from xavier.uses import Use


def use_of(*shape: int, activation: Any = "relu", **fans: Any) -> Use:
    """A use of zeros of this shape (out, in, ...), with its fans counted as `probe` counts them."""
    weight = torch.zeros(shape)
    return Use(
        "w", "linear", weight, fans=rules.fans(shape, **fans),
        plain=rules.fans(shape, packed=fans.get("packed", 1)),
        kernel=math.prod(shape[2:]), packed=fans.get("packed", 1), activation=str(activation),
        curve=None if activation == "gates" else activation, full="w.weight",
    )  # fmt: skip


WIDE, TALL = (300, 500), (700, 200)
CONV, GATES = (64, 32, 3, 3), {"packed": 4, "activation": "gates"}
LEAKY = {"activation": ("leaky_relu", 0.5)}  # its gain squared is 2 / (1 + 1/4) = 1.6
STRIDE = {"stride": 2}  # a fan-out of 9 m / 4, and torch counts 9 m


def spread(variance: float) -> tuple[str, float]:
    return "normal", math.sqrt(variance)


def bound(variance: float) -> tuple[str, float]:
    return "uniform", math.sqrt(3 * variance)


# What is named, for which use, and what it was drawn with: the std or the bound, by hand.
DRAWN: list[tuple[str, Use, tuple[str, float]]] = [
    *((name, use_of(*shape), how(variance(shape[1], shape[0])))
      for shape in (WIDE, TALL) for how in (spread, bound)
      for name, variance in {
          "lecun": lambda n, m: 1 / n, "glorot": lambda n, m: 2 / (n + m),
          "he": lambda n, m: 2 / n, "he, backward": lambda n, m: 2 / m,
          "glorot, gain 2^1/2": lambda n, m: 4 / (n + m),
          "glorot, gain 5/3": lambda n, m: 25 / 9 * 2 / (n + m),
          "he, gain twice": lambda n, m: 4 / n, "lecun, fans swapped": lambda n, m: 1 / m,
      }.items()),
    ("standard", use_of(*WIDE), ("uniform", 500**-0.5)),
    ("standard", use_of(*CONV), ("uniform", 288**-0.5)),
    ("glorot, torch's fans", use_of(*CONV, **STRIDE), spread(2 / (288 + 576))),
    ("glorot", use_of(*CONV, **STRIDE), spread(2 / (288 + 144))),
    ("he, backward, torch's fans", use_of(64, 24, 3, 3, **STRIDE), bound(2 / 576)),
    ("the unit's gain", use_of(*WIDE, **LEAKY), spread(1.6 / 500)),
    ("the unit's gain, twice", use_of(*WIDE, **LEAKY), bound(1.6**2 / 500)),
    ("torch's recurrent", use_of(400, 60, **GATES), ("uniform", 100**-0.5)),
    ("std 0.02", use_of(*WIDE), ("normal", 0.02)),
    ("std 0.01", use_of(*WIDE), ("normal", 0.01)),
    ("he, std as bound", use_of(*WIDE), ("uniform", (2 / 500) ** 0.5)),
    ("he, bound as std", use_of(*WIDE), ("normal", (6 / 500) ** 0.5)),
    ("he, kernel forgotten", use_of(*CONV), ("normal", (2 / 32) ** 0.5)),
    ("he, variance as std", use_of(*WIDE), ("normal", 2 / 500)),
    ("he, variance as bound", use_of(*WIDE), ("uniform", 2 / 500)),
    ("glorot, std as bound", use_of(*WIDE), ("uniform", (2 / 800) ** 0.5)),
    ("glorot, bound as std", use_of(*WIDE), ("normal", (6 / 800) ** 0.5)),
    ("glorot, kernel forgotten", use_of(*CONV), ("uniform", (6 / 96) ** 0.5)),
    ("glorot, variance as std", use_of(*WIDE), ("normal", 2 / 800)),
    ("glorot, variance as bound", use_of(*WIDE), ("uniform", 2 / 800)),
    ("lecun, bound as std", use_of(*WIDE), ("normal", (3 / 500) ** 0.5)),
    ("lecun, kernel forgotten", use_of(*CONV), ("normal", (1 / 32) ** 0.5)),
    ("lecun, variance as std", use_of(*WIDE), ("normal", 1 / 500)),
    ("lecun, variance as bound", use_of(*WIDE), ("uniform", 1 / 500)),
    ("glorot, packed as one", use_of(3 * 96, 96, packed=3), bound(2 / (96 + 288))),
    # With the std of LeCun's law as the bound it is the standard law, which is no mistake.
    ("standard", use_of(*TALL), ("uniform", (1 / 200) ** 0.5)),
]  # fmt: skip


def drawn(use: Use, how: tuple[str, float], seed: int = 0) -> Draw:
    generator = torch.Generator().manual_seed(seed)
    kind, number = how
    weight = torch.empty(use.weight.shape)
    if kind == "uniform":
        return draw_of(weight.uniform_(-number, number, generator=generator))
    return draw_of(weight.normal_(0, number, generator=generator))


def name_of(use: Use, draw: Draw) -> str | None:
    (law,) = recognize([use], [draw])
    return law.name if law else None


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("name", "use", "how"), DRAWN, ids=lambda x: x if type(x) is str else "")
def test_a_law_is_recognized_by_its_draws(
    name: str, use: Use, how: tuple[str, float], seed: int
) -> None:
    assert name_of(use, drawn(use, how, seed)) == name


def test_every_law_but_three_has_draws_of_its_own() -> None:
    drawn_ = {name for name, *_ in DRAWN}
    assert {law.name for law in LAWS} - drawn_ == {
        "lecun, std as bound", "he, torch's fans", "standard, torch's fans"
    }  # fmt: skip


def test_torchs_fan_in_of_a_transposed_convolution_is_told_by_its_neighbours() -> None:
    """By itself it is the fan-out: the weight has its axes the other way."""
    transposed, plain = use_of(64, 32, 3, 3, transposed=True), use_of(*CONV)
    draws = [drawn(transposed, spread(2 / 288)), drawn(plain, spread(2 / 288))]
    assert name_of(transposed, draws[0]) == "he, backward"
    named = [law.name for law in recognize([transposed, plain], draws) if law]
    assert named == ["he, torch's fans"] * 2


def test_torchs_default_of_a_transposed_convolution_is_no_mistake() -> None:
    layer = nn.ConvTranspose2d(64, 32, 3)
    bound = (32 * 9) ** -0.5  # torch takes the second dimension for the fan-in
    layer.weight.data.uniform_(-bound, bound, generator=torch.Generator().manual_seed(0))
    use = use_of(64, 32, 3, 3, transposed=True)
    use.weight = layer.weight.detach()
    assert name_of(use, draw_of(use.weight)) == "standard, torch's fans"


@pytest.mark.parametrize("shape", [(64, 128), (128, 64), (64, 32, 3, 3)])
def test_orthogonal_weights_are_told_from_random_ones(shape: tuple[int, ...]) -> None:
    use = use_of(*shape)
    use.weight = torch.empty(shape)
    nn.init.orthogonal_(use.weight, 2**0.5, generator=torch.Generator().manual_seed(0))
    assert name_of(use, draw_of(use.weight)) == "orthogonal"
    use.weight[0] *= 1.01
    assert name_of(use, draw_of(use.weight)) != "orthogonal"


def test_what_is_computed_from_others_is_no_mistake() -> None:
    use = use_of(*WIDE)
    draw = drawn(use, ("normal", 2 / 500))
    assert name_of(use, draw) == "he, variance as std"
    use.full = ""
    assert name_of(use, draw) is None


def test_mistakes_come_last_and_say_what_is_wrong() -> None:
    mistaken = [bool(law.mistake) for law in LAWS]
    assert mistaken == sorted(mistaken) and mistaken[14:16] == [False, True]
    said = {law.name.removeprefix("he, "): law.mistake for law in LAWS if law.mistake}
    for name, words in {
        "std as bound": "the std is used as the bound, which leaves a third of the variance",
        "bound as std": "is used as the std",
        "kernel forgotten": "only the channels", "variance as std": "where the std belongs",
        "variance as bound": "variance is used as the bound", "gain twice": "gain is applied twice",
        "the unit's gain, twice": "gain is applied twice", "lecun, fans swapped": "are swapped",
        "glorot, packed as one": "counted as one",
    }.items():  # fmt: skip
        assert words in said[name]
    assert said["std as bound"].startswith("the std")


@pytest.mark.parametrize("kurtosis", [1.8, 3.0])
@pytest.mark.parametrize("number", [100, 10_000, 1_000_000])
def test_the_tolerance_is_four_standard_errors(kurtosis: float, number: int) -> None:
    """Of a mean square, relative: the root of (kurtosis - 1)/N; and a thousandth beside it."""
    use = use_of(40, 50)
    law = next(law for law in LAWS if law.name == "he")
    error = 4 * math.sqrt((kurtosis - 1) / number) + 1e-3
    for sign in (-1, 1):
        for share, fits in ((0.98, True), (1.02, False)):
            draw = Draw(0.0, 2 / 50 * math.exp(sign * share * error), kurtosis, number)
            assert draw.fits(law, use) == fits


@pytest.mark.parametrize(
    ("shape", "kurtosis", "fits"),
    [("uniform", 2.09, True), ("uniform", 2.11, False), ("normal", 2.09, False),
     ("normal", 2.11, True), (None, 1.8, True), (None, 3.0, True), (None, 1.0, True)],
)  # fmt: skip
def test_a_distribution_is_told_by_its_fourth_moment(
    shape: str | None, kurtosis: float, fits: bool
) -> None:
    law = Law("one", lambda n, m, use: 0.5, shape)
    assert Draw(0.0, 0.5, kurtosis, 10_000).fits(law, use_of(40, 50)) == fits


def test_too_few_weights_and_none_fit_nothing() -> None:
    one = Law("one", lambda n, m, use: 1.0)
    use = use_of(40, 50)
    assert Draw(0.0, 1.0, 3.0, 100).fits(one, use)
    assert not Draw(0.0, 1.0, 3.0, 99).fits(one, use)
    assert not Draw(0.0, 0.0, math.nan, 2000).fits(one, use)
    for variance in (0.0, math.inf, -1.0):
        law = Law("", lambda n, m, use, v=variance: v)
        assert not Draw(0.0, 1.0, 3.0, 2000).fits(law, use)
    use.weight = torch.zeros(40, 50, dtype=torch.cfloat)
    assert not Draw(0.0, 1.0, 3.0, 2000).fits(one, use)
    assert recognize([use_of(30, 30)], [draw_of(torch.zeros(30, 30))]) == [None]
    unknown = Use("", "einsum", torch.zeros(40, 50))  # its fans are not known
    assert not Draw(0.0, 1.0, 3.0, 2000).fits(LAWS[0], unknown)


def test_of_several_laws_the_first_is_named() -> None:
    square = use_of(400, 400)
    assert name_of(square, drawn(square, spread(1 / 400))) == "lecun"
    assert name_of(square, drawn(square, spread(2 / 400))) == "he"
    assert name_of(square, drawn(square, bound(1 / 1200))) == "standard"


def test_of_several_laws_the_one_of_most_weights_is_named() -> None:
    """One square layer tells nothing; its neighbours do, as soon as they have more weights."""
    uses = [use_of(400, 400), use_of(100, 400), use_of(300, 100)]
    by_glorot = [drawn(use, spread(2 / sum(use.weight.shape)), k) for k, use in enumerate(uses)]
    assert [law.name for law in recognize(uses, by_glorot) if law] == ["glorot"] * 3
    lecun = drawn(uses[1], spread(1 / 400))
    named = [law.name for law in recognize(uses, [by_glorot[0], lecun, by_glorot[2]]) if law]
    assert named == ["lecun", "lecun", "glorot"]  # 40,000 weights against 30,000
    assert recognize([], []) == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_draw_is_what_it_is(dtype: torch.dtype) -> None:
    weight = torch.tensor([[1.0, -3.0], [2.0, 2.0]], dtype=dtype)
    draw = draw_of(weight)
    assert draw == Draw(0.5, 18 / 4, (1 + 81 + 16 + 16) / 4 / (18 / 4) ** 2, 4)
    zeros = draw_of(torch.zeros(3, 3, dtype=dtype))
    assert (zeros.mean, zeros.square, zeros.number) == (0.0, 0.0, 9)
    assert math.isnan(zeros.kurtosis)


def test_of_complex_weights_both_parts_count() -> None:
    draw = draw_of(torch.tensor([[3 + 4j, 0j]]))
    assert (draw.mean, draw.square, draw.number) == (7 / 4, 25 / 2, 2)
    assert draw.kurtosis == (81 + 256) / 4 / (25 / 4) ** 2


def striped(size: int) -> Tensor:
    """Zeros but for every other column."""
    weight = torch.zeros(size, size)
    weight[:, ::2] = 1.0
    return weight


def test_of_many_weights_a_sample_visits_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    double = Tensor.double
    monkeypatch.setattr(Tensor, "double", lambda x: seen.append(x.numel()) or double(x))
    for size in (100, 640, 1000):
        draw = draw_of(striped(size))
        assert draw.number == seen[-1]  # whose error it is
        assert draw.square == pytest.approx(0.5, rel=0.01)
    assert seen[0] == 10_000 and all(50_000 < n <= 400_000 for n in seen[1:])


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        *((unit, 1.0) for unit in (None, "tanh", "softsign", "sigmoid", nn.Hardtanh(-2, 2))),
        ("relu", 2.0),
        (("leaky_relu", 0.2), 2 / 1.04),
        ("gelu", 1 / 0.425221),
        ("silu", 1 / 0.355776),
        ("selu", 1.0),
        (nn.ReLU6(), 2.0),
        (nn.functional.mish, 2.2109),
    ],
)
def test_what_a_unit_needs(unit: Any, expected: float) -> None:
    assert needed(unit) == pytest.approx(expected, rel=1e-4)
