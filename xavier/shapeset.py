"""Shapeset-3x2: the paper's endless stream of small images of one or two shapes (section 2.1).

Made by the settings that the authors released with their generator: 32x32 pixels, triangles,
parallelograms and ellipses, one or two to an image, bright on dark or dark on bright. What is
ours: the overlap rule is measured in pixels (they estimated it), and an image costs about 6
microseconds.

A scene is drawn on the CPU, in blocks of `BLOCK` images of which each has a random generator of
its own, and its polygons are put on a grid so fine that no eye sees it and so exact that every
machine agrees which pixels lie inside. Only filling in the pixels happens on the device.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xavier import checks

SHAPES = ("triangle", "parallelogram", "ellipse")
"""The three kinds of object."""

CLASSES = (
    "triangle",
    "parallelogram",
    "ellipse",
    "triangle + triangle",
    "triangle + parallelogram",
    "triangle + ellipse",
    "parallelogram + parallelogram",
    "parallelogram + ellipse",
    "ellipse + ellipse",
)
"""What the nine labels mean, which shapes are there in no order (sec. 2.1)."""

FREQUENCIES = (1 / 6, 1 / 6, 1 / 6, 1 / 18, 1 / 9, 1 / 9, 1 / 18, 1 / 9, 1 / 18)
"""How often each class occurs, one or two objects and each shape equally likely."""

BLOCK = 1024
"""Images drawn at a time; part of what a seed means."""

STRETCH = (0.2, 0.8)
"""Smallest and largest diameter of the ellipse around an object, in image sides."""

MARGIN = 1 / 32
"""Distance that every object keeps from the border, in image sides."""

MAX_OVERLAP = 0.5
"""Largest share of the first object that the second may cover (sec. 2.1)."""

ANGLES = 255
"""Number of directions into which an object may be turned."""

MIN_SIZE = 15
"""At so many pixels a side the smallest triangle holds a pixel's centre; at 12 it need not."""

_CORNERS = (3, 4, 20)  # the ellipse is a stretched 20-gon
_MAX_CORNERS = max(_CORNERS)
_GRID = 2**14  # grid lines a side; corners lie on odd ones, pixel centres never do
_REFERENCE_SIZE = 32  # the overlap is measured at this size, whatever size is drawn
_DARK, _BRIGHT = (0, 115), (140, 256)  # grey levels from (including) and to (excluding)
_MAX_ATTEMPTS = 1000

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Scenes:
    """A block of images before any pixel: n images of two objects, the second maybe empty.

    Attributes:
        corners: (n, 2, 20, 2) odd grid coordinates (x, y); an absent object has equal corners.
        greys: (n, 3) grey levels of background, first and second object.
        labels: (n,) index into `CLASSES`.
        spans: (n, 2, rows, 2), the objects' pixels at the size at which overlap is measured.
    """

    corners: Ints
    greys: NDArray[np.uint8]
    labels: Ints
    spans: NDArray[np.uint8]


class Shapeset:
    """An endless, seeded stream of labelled images.

    The same seed gives the same images in the same order whatever batch sizes are asked for, on
    any device and number of threads; ``size`` changes the resolution and nothing else.

    >>> images, labels = Shapeset(seed=0).batch(10)
    >>> images.shape, CLASSES[labels[0]]
    (torch.Size([10, 1024]), 'parallelogram')

    Args:
        seed: from 0 to 2**63 - 1; streams of different seeds are independent.
        size: pixels a side, at least `MIN_SIZE`; the paper trains on 32 and displays 64.
        device: where the images are made.
        objects: how many objects an image may have, equally likely: (1, 2), (1,) or (2,).

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: it is out of range.
    """

    def __init__(
        self,
        seed: int,
        size: int = 32,
        device: str | torch.device = "cpu",
        objects: Collection[int] = (1, 2),
    ) -> None:
        self.seed = checks.seed("seed", seed)
        self.size = checks.positive_int("size", size)
        if not MIN_SIZE <= size <= _GRID // 2:
            raise ValueError(
                f"size must be from {MIN_SIZE} (below it the smallest object, {STRETCH[0]} of a "
                f"side, could fall between the pixels) to {_GRID // 2}, got {size}"
            )
        checks.instance("objects", objects, Iterable, "(1,), (2,) or (1, 2)")
        given = list(objects)
        self.objects = tuple(k for k in (1, 2) if k in given)
        if not given or any(k not in self.objects for k in given):
            raise ValueError(f"objects must be (1,), (2,) or (1, 2), got {objects!r}")
        self.device = torch.device(device)
        self._position = 0
        self._block: tuple[int, _Scenes, NDArray[np.uint8]] | None = None

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """The next ``n`` images.

        Returns:
            Images (n, size * size) float32 in [-1, 1], row by row from the top, and labels (n,)
            int64, indices into `CLASSES`; both on the stream's device.

        Raises:
            TypeError: ``n`` is no integer.
            ValueError: it is not positive.
        """
        checks.positive_int("n", n)
        images = torch.empty(n, self.size, self.size, device=self.device)
        labels = torch.empty(n, dtype=torch.int64)
        done = 0
        while done < n:
            index, start = divmod(self._position, BLOCK)
            scenes, spans = self._load(index)
            stop = min(BLOCK, start + n - done)
            part = slice(done, done + stop - start)
            _fill(images[part], spans[start:stop], scenes.greys[start:stop])
            labels[part] = torch.from_numpy(scenes.labels[start:stop])
            done += stop - start
            self._position += stop - start
        return images.view(n, -1), labels.to(self.device)

    def state(self) -> dict[str, Any]:
        """Where the stream stands, as numbers and lists that JSON can hold."""
        return {
            "stream": "shapeset",
            "seed": self.seed,
            "objects": list(self.objects),
            "position": self._position,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where a stream of the same seed and objects stood.

        Raises:
            TypeError: the position in ``state`` is no integer.
            ValueError: it is of another stream, or not a stream's state.
        """
        self._position = checks.position(self.state(), state)

    def _load(self, index: int) -> tuple[_Scenes, NDArray[np.uint8]]:
        if self._block is None or self._block[0] != index:
            scenes = _draw_scenes(self.seed, index, self.objects)
            known = self.size == _REFERENCE_SIZE
            spans = scenes.spans if known else _spans(scenes.corners, self.size)
            self._block = (index, scenes, spans)
        return self._block[1], self._block[2]


def overlaps(seed: int, n: int) -> Floats:
    """Share of the first object that the second covers, in ``n`` images of two objects.

    Counted in pixels of a 32x32 image, as the overlap rule is, over the first images of
    ``Shapeset(seed, objects=(2,))``. Shape (n,).

    Raises:
        TypeError: an argument is no integer.
        ValueError: it is out of range.
    """
    seed, n = checks.seed("seed", seed), checks.positive_int("n", n)
    shares = []
    for block in range(-(-n // BLOCK)):
        spans = _spans(_draw_scenes(seed, block, (2,)).corners, _REFERENCE_SIZE)
        shares.append(_overlap(spans[:, 0], spans[:, 1]))
    return np.concatenate(shares)[:n]


def _draw_scenes(seed: int, block: int, objects: tuple[int, ...]) -> _Scenes:
    """Block number ``block`` of a stream."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(block,))))
    greys = _draw_greys(rng)
    count = np.array(objects)[rng.integers(len(objects), size=BLOCK)]
    shapes = rng.integers(len(SHAPES), size=(BLOCK, 2))
    symmetry = 2 * np.pi / np.array(_CORNERS)[shapes]
    # which way the regular polygon is stretched, and then turned
    pre_angle = rng.random((BLOCK, 2)) * symmetry
    angle = rng.integers(ANGLES, size=(BLOCK, 2)) * (2 * np.pi / ANGLES)
    corners = _place(rng, shapes, pre_angle, angle)
    corners[count == 1, 1] = corners[count == 1, 1, :1]  # an object of no area
    spans = _move_second(rng, corners, shapes, pre_angle, angle)
    return _Scenes(corners, greys, _label(shapes, count), spans)


def _draw_greys(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A coin decides whether objects are bright on dark; then every level is drawn by itself."""
    dark, bright = rng.integers(*_DARK, size=(BLOCK, 3)), rng.integers(*_BRIGHT, size=(BLOCK, 3))
    bright_background = rng.integers(2, size=(BLOCK, 1)) == 1
    use_bright = np.concatenate([bright_background, ~bright_background, ~bright_background], 1)
    return np.where(use_bright, bright, dark).astype(np.uint8)


def _label(shapes: Ints, count: Ints) -> Ints:
    low, high = shapes.min(1), shapes.max(1)
    # Pairs low <= high in the order of CLASSES: 0 0, 0 1, 0 2, 1 1, 1 2, 2 2.
    pair = 3 + low * len(SHAPES) - low * (low - 1) // 2 + high - low
    return np.where(count == 1, shapes[:, 0], pair)


def _regular_polygons() -> Floats:
    """Corners on a circle of diameter 1, (3, 2, 20); the last corner repeated to fill up."""
    turns = [np.minimum(np.arange(_MAX_CORNERS), k - 1) / k for k in _CORNERS]
    angles = 2 * np.pi * np.array(turns)
    return 0.5 * np.stack([np.cos(angles), np.sin(angles)], 1)


_POLYGONS = _regular_polygons()


def _place(rng: np.random.Generator, shapes: Ints, pre_angle: Floats, angle: Floats) -> Ints:
    """Stretch and shift: corners (..., 20, 2) on the grid, inside the frame.

    A regular polygon is turned by ``pre_angle``, stretched by two independent factors and
    turned by ``angle``, which makes every affine triangle, parallelogram and ellipse.
    """
    stretch = rng.uniform(*STRETCH, size=(*shapes.shape, 2))
    offset = rng.random((*shapes.shape, 2, 1))
    affine = _rotation(angle) * stretch[..., None, :] @ _rotation(pre_angle)
    regular = _POLYGONS[shapes]
    corners = affine[..., :1] * regular[..., :1, :] + affine[..., 1:] * regular[..., 1:, :]
    low = MARGIN - corners.min(-1, keepdims=True)
    high = 1 - MARGIN - corners.max(-1, keepdims=True)
    corners += low + offset * (high - low)
    return (2 * np.floor(corners * (_GRID // 2)).astype(np.int64) + 1).swapaxes(-1, -2)


def _rotation(angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def _move_second(
    rng: np.random.Generator, corners: Ints, shapes: Ints, pre_angle: Floats, angle: Floats
) -> Any:
    """Draw the second object's stretch and place again until it leaves half of the first.

    Returns:
        The spans of all objects at the reference size.
    """
    spans = _spans(corners, _REFERENCE_SIZE)
    waiting = np.arange(len(corners))
    for _ in range(_MAX_ATTEMPTS):
        waiting = waiting[_overlap(spans[waiting, 0], spans[waiting, 1]) > MAX_OVERLAP]
        if not len(waiting):
            return spans
        corners[waiting, 1] = _place(
            rng, shapes[waiting, 1], pre_angle[waiting, 1], angle[waiting, 1]
        )
        spans[waiting, 1] = _spans(corners[waiting, 1], _REFERENCE_SIZE)
    raise RuntimeError(f"no place for a second object in {_MAX_ATTEMPTS} attempts")


def _overlap(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """Share of the first object's pixels that the second covers, from their spans (n, rows, 2)."""
    first, second = first.astype(np.int64), second.astype(np.int64)
    left = np.maximum(first[..., 0], second[..., 0])
    right = np.minimum(first[..., 1], second[..., 1])
    covered = np.maximum(right - left, 0).sum(-1)
    share: Floats = covered / (first[..., 1] - first[..., 0]).sum(-1)
    return share


def _spans(corners: Ints, size: int) -> Any:
    """Which pixels of each row lie inside a convex polygon: first, and first behind.

    Args:
        corners: (..., 20, 2) odd grid coordinates, in one sense of rotation.
        size: pixels a side.

    Returns:
        (..., size, 2) column numbers; 0, 0 where a row is not met. All in exact integers: an
        edge between (x0, y0) and (x1, y1) meets the row at height y in
        x0 + (y - y0) (x1 - x0) / (y1 - y0), and a pixel belongs to the polygon if its centre
        does.
    """
    polygons = corners.reshape(-1, _MAX_CORNERS, 2) * (2 * size)  # pixel centres: (2 k + 1) _GRID
    x0, y0 = polygons[..., 0], polygons[..., 1]
    x1, y1 = (np.concatenate([part[:, 1:], part[:, :1]], 1) for part in (x0, y0))
    first, last = _first_centre(y0), _first_centre(y1)
    meets = np.flatnonzero(first != last)  # edges that meet a row at all
    x0, y0, x1, y1, first, last = (part.ravel()[meets] for part in (x0, y0, x1, y1, first, last))
    side = (last > first).astype(np.int64)  # right-hand edges go up
    first, last = np.minimum(first, last), np.maximum(first, last)

    rows = last - first
    edge = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows - first, rows)
    # ceil((x / _GRID - 1) / 2) for the rational x at (2 row + 1) _GRID, as a floor of its negative
    width, height = x1 - x0, y1 - y0
    start, unit = (_GRID - x0) * height - (_GRID - y0) * width, 2 * _GRID * height
    column = -((start[edge] - row * (2 * _GRID * width)[edge]) // unit[edge])

    dtype = np.uint8 if size < 256 else np.uint16
    spans = np.zeros((len(polygons), size, 2), dtype)
    spans[(meets // _MAX_CORNERS)[edge], row, side[edge]] = column
    return spans.reshape(*corners.shape[:-2], size, 2)


def _first_centre(coordinate: Ints) -> Ints:
    """Number of the first pixel whose centre is not below a scaled coordinate."""
    return -((_GRID - coordinate) // (2 * _GRID))


def _fill(images: Tensor, spans: Any, greys: NDArray[np.uint8]) -> None:
    """Paint (n, size, size) images: background, first object, second object."""
    n, size = images.shape[:2]
    edges = torch.from_numpy(spans.astype(np.int32)).to(images.device)
    levels = torch.from_numpy(greys).to(images.device)[..., None]
    column = torch.arange(size + 1, device=images.device)
    before = 255 * (column[:size] < column[:, None]).to(torch.uint8)  # rows filled up to a column
    pixels = levels[:, 0].expand(n, size * size).contiguous()
    for k in (0, 1):
        left, right = (
            before.index_select(0, edges[:, k, :, end].reshape(-1)).view(n, -1) for end in (0, 1)
        )
        # All bits of the object's grey where all bits of left and right differ.
        pixels ^= (left ^ right) & (pixels ^ levels[:, k + 1])
    images.view(n, -1).copy_(pixels).div_(127.5).sub_(1)
