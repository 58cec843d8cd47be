"""Ask a submission for its answers: in this process, for a student, or in another one, for a mark.

A judge never holds an object of the submission. It asks for a name, or for what a function gives
for arguments of the judge's choice, and gets plain data (`xavier_grading.check.values`). What
cannot be sent as plain data, such as a generator or a module, is described by `Make` and made on
the submission's side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from . import values


class Unanswered(Exception):
    """There is no answer: a name is missing, a call failed, or it took too long."""


@dataclass(frozen=True)
class Make:
    """What is made on the submission's side.

    Attributes:
        kind: "rng" (a NumPy generator), "generator" (one of torch) or "module" (layers of torch in
            a row).
        label: the same label stands for the same object in later calls, of all judges; "" for one
            that is used once.
        seed: of generators.
        layers: of a module, each a kind and its sizes, as in ``("linear", 8, 16)``; the kinds are
            linear, conv, transposed, attention, embedding, norm and tanh.
    """

    kind: str
    label: str = ""
    seed: int = 0
    layers: tuple[tuple[Any, ...], ...] = ()


class Answers(Protocol):
    """What a judge asks."""

    def get(self, name: str) -> Any:
        """The value of a name of the notebook, as plain data.

        Raises:
            Unanswered: there is none, or it is no plain data.
        """

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What a function of the notebook returns, as plain data.

        Raises:
            Unanswered: there is none, it fails, takes too long, or returns something else.
        """

    def parameters(self, label: str) -> dict[str, np.ndarray[Any, Any]]:
        """The parameters of a module that was made for a call, by name.

        Raises:
            Unanswered: none was made under that label.
        """


def entries(answers: Answers, name: str, *keys: str) -> dict[str, Any]:
    """A dict of the notebook that has these keys at least.

    Raises:
        Unanswered: there is none.
    """
    answer = answers.get(name)
    if not isinstance(answer, dict) or not all(key in answer for key in keys):
        raise Unanswered(f"{name} must be a dict with {', '.join(keys[:-1])} and {keys[-1]}")
    return answer


@dataclass
class Local:
    """Answers of objects in this process: what a student's own notebook is checked with.

    Attributes:
        names: the notebook's names.
    """

    names: Mapping[str, Any]
    _made: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """As in `Answers`."""
        return _as_sent(lambda: find(self.names, name))

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """As in `Answers`."""
        packed = pack(list(arguments)), pack(named)
        return _as_sent(lambda: apply(self.names, self._made, name, *packed))

    def parameters(self, label: str) -> dict[str, np.ndarray[Any, Any]]:
        """As in `Answers`."""
        found: dict[str, np.ndarray[Any, Any]] = _as_sent(lambda: parameters(self._made, label))
        return found


def _as_sent(answer: Callable[[], Any]) -> Any:
    """An answer as it would arrive from another process."""
    try:
        return values.loads(values.dumps(answer()))
    except Unanswered:
        raise
    except Exception as error:
        raise Unanswered(f"{type(error).__name__}: {error}") from error


# --------------------------------------------------------------------------------------------------
# On the submission's side
# --------------------------------------------------------------------------------------------------


def find(names: Mapping[str, Any], name: str) -> Any:
    """What the notebook means by a name.

    Raises:
        Unanswered: nothing.
    """
    if name not in names:
        raise Unanswered(f"there is no {name} in the notebook")
    return names[name]


def apply(
    names: Mapping[str, Any],
    made: MutableMapping[str, Any],
    name: str,
    arguments: Any,
    named: Any,
) -> Any:
    """Call a function of the notebook with what was packed by `pack`.

    Raises:
        Unanswered: there is none.
    """
    function = find(names, name)
    if not callable(function):
        raise Unanswered(f"{name} must be a function")
    return function(
        *(_unpack(item, made) for item in arguments),
        **{key: _unpack(item, made) for key, item in named.items()},
    )


def parameters(made: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The parameters of a module that was made, by name.

    Raises:
        Unanswered: none was made under that label.
    """
    if label not in made:
        raise Unanswered(f"no module {label} was made")
    return {name: p.detach().cpu().numpy() for name, p in made[label].named_parameters()}


def pack(value: Any) -> Any:
    """A value for a call as plain data, things to be made described in it."""
    if isinstance(value, Make):
        layers = [list(layer) for layer in value.layers]
        return {"make": [value.kind, value.label, value.seed, layers]}
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [pack(item) for item in value]}
    if isinstance(value, list):
        return [pack(item) for item in value]
    return value


def _unpack(value: Any, made: MutableMapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"make"}:
            return _make(made, *value["make"])
        if set(value) == {"tuple"}:
            return tuple(_unpack(item, made) for item in value["tuple"])
        return {key: _unpack(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpack(item, made) for item in value]
    return value


def _make(
    made: MutableMapping[str, Any],
    kind: str,
    label: str,
    seed: int,
    layers: Sequence[Sequence[Any]],
) -> Any:
    if label and label in made:
        return made[label]
    if kind == "rng":
        thing: Any = np.random.default_rng(seed)
    else:
        import torch

        if kind == "generator":
            thing = torch.Generator().manual_seed(seed)
        else:
            thing = torch.nn.Sequential(*(_layer(*layer) for layer in layers))
    if label:
        made[label] = thing
    return thing


def _layer(kind: str, *sizes: int) -> Any:
    """A layer of torch with parameters that nobody would have drawn."""
    from torch import nn

    kinds: dict[str, Callable[..., nn.Module]] = {
        "linear": nn.Linear,
        "conv": lambda i, o, k, groups=1: nn.Conv2d(i, o, k, groups=groups),
        "transposed": lambda i, o, k, groups=1: nn.ConvTranspose2d(i, o, k, groups=groups),
        "attention": nn.MultiheadAttention,
        "embedding": nn.Embedding,
        "norm": nn.LayerNorm,
        "tanh": nn.Tanh,
    }
    layer = kinds[kind](*sizes)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 7.0)
    return layer
