"""Images as they come out of the encoder that CIFAR-10's went through before they came here.

That is JPEG at quality 75. The paper's other sets are grey, so that what it does to colour, which
it halves, is not among what they can show.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

QUALITY = 75
"""Of the encoder, from 1 to 95."""


def encoded(images: Tensor, shape: tuple[int, int]) -> Tensor:
    """Encode and decode grey images, each by itself.

    >>> flat = torch.full((2, 64), 0.4)
    >>> encoded(flat, (8, 8)).sub(flat).abs().max() < 1 / 255
    tensor(True)

    Args:
        images: (n, height * width), float32, from 0 to 1.
        shape: height and width.

    Returns:
        As the images, on their device, with 256 levels.
    """
    levels = (images * 255).round().clamp(0, 255)
    pixels = levels.to("cpu", torch.uint8).reshape(-1, *shape).numpy()
    out = np.empty_like(pixels)
    for k, image in enumerate(pixels):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
        out[k] = np.asarray(Image.open(file))
    return torch.from_numpy(out).to(images).reshape(images.shape) * (1 / 255)
