"""Images as they come out of the encoder that CIFAR-10's went through before they came here.

That is JPEG at quality 75. The paper's other sets are grey, so that what it does to colour, which
it halves, is not among what they can show.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from xavier.datasets import Stream

QUALITY = 75
"""Of the encoder, from 1 to 95."""


def encoded(images: Tensor, shape: tuple[int, int], limits: tuple[float, float]) -> Tensor:
    """Encode and decode grey images, each by itself.

    >>> flat = torch.full((2, 64), 0.4)
    >>> encoded(flat, (8, 8), (0.0, 1.0)).sub(flat).abs().max() < 1 / 255
    tensor(True)

    Args:
        images: (n, height * width), float32.
        shape: height and width.
        limits: what black and white are.

    Returns:
        As the images, on their device, with 256 levels.
    """
    low, high = limits
    levels = ((images - low) * (255 / (high - low))).round().clamp(0, 255)
    pixels = levels.to("cpu", torch.uint8).reshape(-1, *shape).numpy()
    out = np.empty_like(pixels)
    for k, image in enumerate(pixels):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
        out[k] = np.asarray(Image.open(file))
    found = torch.from_numpy(out).to(images).reshape(images.shape)
    return found * ((high - low) / 255) + low


class EncodedStream:
    """A stream of grey images, every image `encoded` when it is drawn.

    Args:
        stream: of the images as they are.
        shape, limits: as in `encoded`.
    """

    def __init__(self, stream: Stream, shape: tuple[int, int], limits: tuple[float, float]) -> None:
        self._stream, self._shape, self._limits = stream, shape, limits

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """The next ``n`` images and their labels."""
        images, labels = self._stream.batch(n)
        return encoded(images, self._shape, self._limits), labels

    def state(self) -> dict[str, Any]:
        """Where the stream is, and that it is encoded."""
        return {**self._stream.state(), "encoded": QUALITY}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where an equal stream stood."""
        if state.get("encoded") != QUALITY:
            raise ValueError(f"state must be of images encoded at quality {QUALITY}, got {state}")
        self._stream.restore({k: v for k, v in state.items() if k != "encoded"})
