"""Weight initialization: its laws, their proofs, and networks to try them on.

The modules are named by concept and data flows one way. `rules` and `activations` state the laws,
`moments` and `derivation` prove them, `montecarlo` tries them by draws, and `theory` says what
holds beyond the linear regime. `init` draws weights, `shapeset` and `datasets` give examples,
`network` and `training` learn from them, and `monitor` watches any model of torch while it does.
`diagnose` says in words whether a model starts well: `probe` sees what one pass does to it, `uses`
which weights are in it, `laws` recognizes by which law they were drawn, `evidence` what follows,
`faults` knows what can be wrong, `findings` says it, and `testing` makes a test of it.
`intervals` says how far a mean is known, and `figures` shows what happened. `checks`, `files`,
`hooks`, `scaling`, `summaries`, `svg` and `threads` serve the others: arguments refused by name,
files written whole, what modules do, weights scaled by a batch, what is said of one tensor,
pictures as text, and on how many threads.

The experiments of Glorot & Bengio (2010) are a package of their own, `glorot2010`.

Each is imported when it is first asked for, so that only who needs torch waits for it:

>>> import xavier
>>> xavier.rules.glorot(300, 100)
0.005
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xavier import activations as activations
    from xavier import checks as checks
    from xavier import datasets as datasets
    from xavier import derivation as derivation
    from xavier import diagnose as diagnose
    from xavier import evidence as evidence
    from xavier import faults as faults
    from xavier import figures as figures
    from xavier import files as files
    from xavier import findings as findings
    from xavier import hooks as hooks
    from xavier import init as init
    from xavier import intervals as intervals
    from xavier import laws as laws
    from xavier import moments as moments
    from xavier import monitor as monitor
    from xavier import montecarlo as montecarlo
    from xavier import network as network
    from xavier import probe as probe
    from xavier import rules as rules
    from xavier import scaling as scaling
    from xavier import shapeset as shapeset
    from xavier import summaries as summaries
    from xavier import svg as svg
    from xavier import testing as testing
    from xavier import theory as theory
    from xavier import threads as threads
    from xavier import training as training
    from xavier import uses as uses

__version__ = "0.1.0"

_MODULES = tuple(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module 'xavier' has no attribute {name!r}")
    return importlib.import_module(f"xavier.{name}")


def __dir__() -> list[str]:
    return [*_MODULES, "__version__"]  # what is imported for its own use is no name of the library
