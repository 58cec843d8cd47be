"""Follow the passes of any module: what its parts and the functions in them do, and nothing else.

`Follower` reports what happens to whoever follows: `xavier.monitor.watch` describes parts and units
over many steps, and `xavier.probe` every function of one pass. Hooks are torch's own, on all
modules, and ask each whether it is one of the network's, so that none is on a module, where copies
and files would take it along.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn, overrides
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from xavier.activations import ACTIVATIONS, Activation

UNITS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "leaky_relu": nn.LeakyReLU, "prelu": nn.PReLU,
    "elu": nn.ELU, "selu": nn.SELU, "celu": nn.CELU, "gelu": nn.GELU, "silu": nn.SiLU,
    "mish": nn.Mish, "softplus": nn.Softplus, "tanh": nn.Tanh, "hardtanh": nn.Hardtanh,
    "sigmoid": nn.Sigmoid, "hardsigmoid": nn.Hardsigmoid, "softsign": nn.Softsign,
    "hardswish": nn.Hardswish, "logsigmoid": nn.LogSigmoid, "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink, "hardshrink": nn.Hardshrink,
}  # fmt: skip
"""Activations by the names of torch's functions, and the modules that do the same."""

After = Callable[[Any], None] | None
"""What is to be done with the output of a function, if anything."""


class _Functions(overrides.TorchFunctionMode):
    """Reports every function of torch before it runs, and its output."""

    def __init__(self, report: Callable[[str, tuple[Any, ...], dict[str, Any]], After]) -> None:
        super().__init__()
        self._report = report

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        after = self._report(getattr(func, "__name__", "").strip("_"), args, kwargs)
        output = func(*args, **kwargs)
        if after:
            after(output)
        return output


class Follower:
    """Is told of the parts of a module and of functions while they run.

    Attributes:
        module: what is followed; of what torch.compile made, what it was given.
        parts: its parts and itself with their names, by their identity.
        running: those that are being executed, the innermost last.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module = getattr(module, "_orig_mod", module)
        self.parts = {
            id(part): (".".join(key for key in name.split(".") if key != "_orig_mod"), part)
            for name, part in module.named_modules()
        }
        self.running: list[tuple[str, nn.Module]] = []
        self._functions: Any = None  # a mode of torch, while functions are reported
        self._ending = ExitStack()

    def entering(self, name: str, part: nn.Module) -> None:
        """Before a part is executed."""

    def leaving(self, name: str, part: nn.Module, output: Any) -> None:
        """After it, also by an error, and then the output is None."""

    def calling(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After:
        """Before a function is called, by its name without underscores at the ends."""

    def follow(self) -> None:
        """Begin to report parts; compiled ones run as they were."""
        self._ending.enter_context(_uncompiled())
        for handle in (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ):
            self._ending.callback(handle.remove)

    def listen(self, do: bool) -> None:
        """Begin or end to report functions; no end where somebody else's mode has come on top."""
        if do and self._functions is None:
            self._functions = _Functions(self.calling)
            self._functions.__enter__()
        elif not do and self._functions is overrides._get_current_function_mode() is not None:
            self._functions.__exit__(None, None, None)
            self._functions = None

    def stop(self) -> None:
        """Follow no longer, and let go of the module."""
        self.listen(False)
        self._ending.close()
        self.module, self.parts, self.running = nn.Module(), {}, []

    def _enter(self, part: nn.Module, inputs: Any) -> None:
        if known := self.parts.get(id(part)):
            self.running.append(known)
            self.entering(*known)

    def _leave(self, part: nn.Module, inputs: Any, output: Any) -> None:
        if known := self.parts.get(id(part)):
            if self.running and self.running[-1] is known:
                self.running.pop()
            self.leaving(*known, output)


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run compiled modules as they were, and without a warning that hooks are on all modules."""
    if "torch._dynamo" not in sys.modules:  # then nothing is compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile")
        yield


def unit_called(
    function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[str, nn.Module] | None:
    """Which activation a function is with these arguments: its name, and a module that does it.

    >>> unit_called("hardtanh", (torch.zeros(1), -2.0), {})
    ('hardtanh', Hardtanh(min_val=-2.0, max_val=1.0))
    >>> unit_called("clamp", (torch.zeros(1),), {"min": 0})
    ('relu', ReLU())
    >>> unit_called("elu", (torch.zeros(1),), {"alpha": 0.5})
    ('elu', ELU(alpha=0.5))
    """
    if function in ("clamp", "clamp_min", "clip"):
        given = dict(zip(("min", "max"), args[1:], strict=False)) | dict(kwargs)
        least, most = given.get("min"), given.get("max")
        if isinstance(least, int | float) and least == 0:
            args, kwargs = args[:1], {}
            function = (
                "relu"
                if most is None
                else "relu6"
                if isinstance(most, int | float) and most == 6
                else function
            )
    if function not in UNITS:
        return None
    names = list(inspect.signature(UNITS[function]).parameters)  # in the order of the function's
    options = dict(zip(names, args[1:], strict=False))
    options |= {key: kwargs[key] for key in names if key in kwargs}
    options.pop("inplace", None)
    if function == "prelu":  # the function is given its slopes, and the module how many there are
        options = {}
    if function == "hardtanh" and (options.get("min_val"), options.get("max_val")) == (0, 6):
        function, options = "relu6", {}  # by this name its module calls it
    try:
        return function, UNITS[function](**options)
    except (AssertionError, TypeError, ValueError):  # options that only the function takes
        return None


def saturating(part: nn.Module) -> Activation | None:
    """What knows where a module's outputs are saturated, if they can be."""
    if isinstance(part, nn.Hardtanh | nn.Hardsigmoid):  # ReLU6 is a Hardtanh
        ends = (part.min_val, part.max_val) if isinstance(part, nn.Hardtanh) else (0.0, 1.0)
        return replace(ACTIVATIONS["relu"], saturation=ends)
    kinds = {nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.Softsign: "softsign", nn.ReLU: "relu"}
    name = kinds.get(type(part))
    return ACTIVATIONS[name] if name else None


def is_own(part: nn.Module) -> bool:
    """Whether it is a module from outside torch."""
    return not type(part).__module__.startswith("torch.")


def is_watched(part: nn.Module) -> bool:
    """Whether it has weights of its own, is an activation, or somebody's own without parts."""
    return (
        next(part.parameters(recurse=False), None) is not None
        or type(part).__module__ == nn.Tanh.__module__
        or (is_own(part) and next(part.children(), None) is None)
    )


def is_transformed(tensor: Tensor) -> bool:
    """Whether it stands for others, inside of `torch.func.vmap` and its kind."""
    return torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def weights(name: str, part: nn.Module) -> list[tuple[str, Tensor]]:
    """A module's own floating parameters that are no biases, by the module's name if it has one."""
    own = [
        (key, parameter)
        for key, parameter in part.named_parameters(recurse=False)
        if "bias" not in key and parameter.is_floating_point() and not is_transformed(parameter)
    ]
    if len(own) == 1:
        return [(name, own[0][1])]
    return [(f"{name}.{key}" if name else key, parameter) for key, parameter in own]


def tensors(value: Any) -> Iterator[Tensor]:
    """All that are in it, also in lists, tuples and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | tuple | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from tensors(part)


def call(module: nn.Module, batch: Any) -> Any:
    """What a module returns for a tensor, a tuple of arguments, or a mapping of them."""
    if isinstance(batch, Mapping):
        return module(**batch)
    if type(batch) in (tuple, list):  # and no named one, such as a packed sequence
        return module(*batch)
    return module(batch)


@contextmanager
def unchanged(module: nn.Module, *, parameters: bool = True) -> Iterator[None]:
    """Give a module back its parameters and buffers, which they are and their values.

    Args:
        module: what is given back.
        parameters: whether these too, if the block does not raise; if it does they are anyhow.
    """
    kept = []
    for kind in ("_buffers", "_parameters"):
        stores = [(own := getattr(part, kind), dict(own)) for part in module.modules()]
        held = {id(x): x for _, before in stores for x in before.values() if x is not None}
        values = [
            (x, x.detach().clone())
            for x in held.values()
            if not (nn.parameter.is_lazy(x) or x.is_meta or x.is_inference())
        ]
        kept.append((stores, values))
    back = 2
    try:
        yield
        back = 2 if parameters else 1
    finally:
        for stores, values in kept[:back]:
            for own, before in stores:
                if isinstance(own, dict):  # that of a script is none
                    own.clear()
                    own.update(before)
            for tensor, value in values:
                if tensor.layout != torch.strided:
                    with torch.no_grad():
                        tensor.copy_(value)
                elif not torch.equal(tensor, value):
                    tensor.data.copy_(value)  # so that graphs from before can still be used
