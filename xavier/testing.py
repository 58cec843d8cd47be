"""For test suites: a network that stops starting well fails a test.

::

    from xavier.testing import assert_starts_well

    def test_the_network_starts_well():
        assert_starts_well(make_model(), *a_batch())
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from torch import nn

from xavier.diagnose import diagnose


def assert_starts_well(
    model: nn.Module,
    batch: Any,
    targets: Any = None,
    *,
    loss: Callable[..., Any] | None = None,
    allow: Collection[str] = (),
) -> None:
    """Raise an AssertionError with the whole report if `xavier.diagnose` finds something serious.

    >>> import torch
    >>> model = nn.Linear(8, 4)
    >>> _ = nn.init.constant_(model.weight, 0.0)
    >>> assert_starts_well(model, torch.eye(8))  # a last layer of zeros is a good start

    Args:
        model, batch, targets, loss: as in `xavier.diagnose.diagnose`.
        allow: kinds of findings that are known and no failure, such as ``["never ran"]``.
    """
    __tracebackhide__ = True  # pytest shows the caller's line
    report = diagnose(model, batch, targets, loss=loss)
    assert not {f.kind for f in report.findings if f.serious} - set(allow), str(report)
