"""How many threads a computation is worth."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LARGE = 500_000
"""Numbers of a matrix from which on two threads are faster than one by more than they may lose."""

_entrance = threading.Lock()  # to `few_threads`, and what is settled there:
_settings: list[int] = []  # of the threads inside, as they were before
_here = threading.local()


@contextmanager
def few_threads(size: int) -> Iterator[None]:
    """Compute on one thread if matrices are small; the caller's setting is given back.

    Threads that share a product of some tenths of a millisecond wait for one another, and where the
    processor has other work too they wait many times as long as it takes. Passes and updates have
    been found not to depend on the number of threads. The last digits of a sum over a whole large
    matrix and of its singular values do, and `xavier.monitor` computes these on one.

    Several of the caller's threads may be inside at once: each has its setting back when it
    leaves, and once all have left, so has a thread that begins then.

    >>> before = torch.get_num_threads()
    >>> with few_threads(300 * 300):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True

    Args:
        size: numbers of the largest matrix.
    """
    outermost = not getattr(_here, "inside", False)
    with _entrance:
        before = torch.get_num_threads()
        if outermost:
            # Torch sets the number for the calling thread, and for every thread that has not
            # computed yet: such a thread finds the 1 of those inside, which is nobody's wish.
            if before == 1:
                before = max(_settings, default=1)
            _settings.append(before)
            _here.inside = True
        _set_threads(1 if size < _LARGE else before)
    try:
        yield
    finally:
        with _entrance:
            _set_threads(before)
            if outermost:
                _here.inside = False
                _settings.remove(before)


def _set_threads(number: int) -> None:
    """Set it where it differs: a thread that keeps its 1 does not set later ones to 1."""
    if torch.get_num_threads() != number:
        torch.set_num_threads(number)
