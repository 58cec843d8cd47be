"""Scale layers by what they say to a batch: the machinery of `xavier.init.lsuv_`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from xavier.hooks import call


def unit_variance_(
    module: nn.Module, layers: Mapping[str, nn.Module], batch: Any
) -> dict[str, float]:
    """Divide the weights of ``layers`` so that their outputs have variance 1, in one forward pass.

    Each is scaled before the next has its input.

    Args:
        module: what is called.
        layers: parts of it by their names, linear in their ``weight`` and with no bias but 0.
        batch: a tensor, a tuple of arguments, or a mapping of them.

    Returns:
        By what each weight was divided.

    Raises:
        ValueError: a part is compiled, or a layer runs twice or never, has a bias, or says nothing
            finite that varies.
    """
    for name, part in module.named_modules():
        if hasattr(part, "_orig_mod") or part._compiled_call_impl is not None:
            raise ValueError(f"module must not be compiled, got {type(part).__name__} at {name!r}")
    divided: dict[str, float] = {}

    def scale(name: str, layer: Any, inputs: Any, output: Any) -> Tensor:
        which = f"module: layer {name!r}"
        if name in divided:
            raise ValueError(f"{which} must run once in a forward pass, and ran twice")
        if not isinstance(output, Tensor):
            raise ValueError(f"{which} must return a tensor, got {type(output).__name__}")
        if layer.bias is not None and bool(layer.bias.any()):
            raise ValueError(f"{which} must have a bias of 0 to be scaled, got another")
        wide = torch.promote_types(output.dtype, torch.float32)
        std = float(output.to(wide).std(correction=0))
        if not 0 < std < float("inf"):
            raise ValueError(f"{which} must have outputs that vary, got a deviation of {std}")
        divided[name] = std
        layer.weight.div_(std)
        return output / std

    handles = [layer.register_forward_hook(partial(scale, name)) for name, layer in layers.items()]
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    try:
        # Which restores what the module draws from, and seeds nothing.
        with torch.no_grad(), torch.random.fork_rng(devices):  # noqa: TID251
            call(module, batch)
    finally:
        for handle in handles:
            handle.remove()
    for name in layers:
        if name not in divided:
            raise ValueError(f"module: layer {name!r} must run in a forward pass, and never did")
    return divided
