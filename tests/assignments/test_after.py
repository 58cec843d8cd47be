"""What the judges of set 5 compute for themselves is what the library computes otherwise."""

from __future__ import annotations

import math

import pytest
import torch
from xavier_grading.sets import ps5

from xavier import theory

TORCH = {
    "tanh": torch.tanh,
    "arctan": torch.atan,
    "erf": lambda s: torch.erf(math.sqrt(math.pi) / 2 * s),
}


@pytest.mark.parametrize("name", ps5.ACTIVATIONS)
@pytest.mark.parametrize(("gain", "bias"), [(0.95, 0.1), (2.0, 0.05)])
def test_wide_layers(name: str, gain: float, bias: float) -> None:
    found = ps5.settled(name, gain, bias, 0.7)
    asked = theory.depth_scales(TORCH[name], gain=gain, bias=bias)
    scale = -1 / math.log(found.slope)
    assert (found.q, found.chi, found.cosines[-1], scale) == pytest.approx(
        (asked.variance, asked.chi, asked.correlation, asked.of_correlation), rel=1e-5
    )
    assert (found.chi > 1) == (gain > 1)


def test_every_variant_has_questions_that_tell_truths_from_mistakes() -> None:
    """Where a cosine settles is not where it starts, and growth is not what a mistake makes it."""
    for k in range(40):
        variant = ps5.PROBLEM_SET.variant(f"s{k}", "public")
        asked = ps5._depth(variant)
        assert abs(variant["cosine"] - asked["settles"].truth) > 5 * variant["distance"]
        assert min(asked["layers"].truth) > 1 and 1 < asked["scale"].truth < 40
        for entries in (ps5._settles(variant), asked, ps5._same_run(variant), ps5._widths(variant)):
            for key, (truth, mistakes) in entries.items():
                for mistake in mistakes:
                    given = mistake.gives
                    given = list(given) if isinstance(given, tuple) else given
                    if not ps5._entry(key, given, truth, ()).fault:
                        # Only where a mistake makes no difference.
                        assert key not in ("q", "chi", "rate", "gradient", "decay"), mistake
        growth, mistakes = ps5._expected_growth(variant)
        same = {m.name for m in mistakes if abs(m.gives / growth - 1) < 0.01}
        plain = {"scale not squared"} if variant["blocks"]["branch"] == "plain" else set()
        assert same <= {"another branch", "many blocks"} | plain, same
