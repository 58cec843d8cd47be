"""The one line that makes a test of a start."""

from __future__ import annotations

import pytest
from patients import relu_mlp, weights

from xavier.diagnose import diagnose
from xavier.testing import assert_starts_well


def test_what_starts_well_passes_and_what_does_not_says_why() -> None:
    model, batch, targets = relu_mlp()
    assert_starts_well(model, batch, targets)
    for weight in weights(model):
        weight.fill_(0.1)
    report = diagnose(model, batch, targets)
    with pytest.raises(AssertionError, match="tied") as raised:
        assert_starts_well(model, batch, targets)
    assert str(report) in str(raised.value)
    assert raised.traceback[-1].ishidden(raised)  # pytest shows the line above
    serious = {finding.kind for finding in report.findings if finding.serious}
    assert_starts_well(model, batch, targets, allow=serious)
    with pytest.raises(AssertionError):
        assert_starts_well(model, batch, targets, allow=serious - {"tied"})


def test_the_loss_is_ones_own() -> None:
    model, batch, targets = relu_mlp()
    with pytest.raises(ValueError, match=r"loss must return .* one number"):
        assert_starts_well(model, batch, targets, loss=lambda out, targets: out)
    with pytest.raises(AssertionError, match="loss"):
        assert_starts_well(model, batch, 99 + batch[:, :10])


def test_a_remark_is_no_failure() -> None:
    model, batch, targets = relu_mlp()
    model.requires_grad_(False)
    model[-1].requires_grad_(True)
    assert {f.kind for f in diagnose(model, batch, targets).findings} == {"frozen"}
    assert_starts_well(model, batch, targets)
