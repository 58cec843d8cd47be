"""What all tests share: seeded generators, and Hypothesis without clock and without chance."""

from __future__ import annotations

import signal
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

settings.register_profile("xavier", deadline=None, derandomize=True, database=None)
settings.load_profile("xavier")


def seed_of(request: pytest.FixtureRequest) -> int:
    """Return a seed that follows from the test's name, parameters included, and nothing else."""
    return zlib.crc32(request.node.name.encode())


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A NumPy generator, seeded by the test's name."""
    return np.random.default_rng(seed_of(request))


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> torch.Generator:
    """A torch generator on the CPU, seeded by the test's name; torch is imported only here."""
    import torch

    return torch.Generator().manual_seed(seed_of(request))


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """What a script starts in the background ignores Ctrl-C, and so do all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
