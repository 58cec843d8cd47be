"""Finite data sets behind one interface (section 2.1 of the paper).

Four sets: ``digits`` (8x8, embedded in scikit-learn, nothing to download), ``mnist``,
``cifar10`` and ``small_imagenet``. `load` returns one split whole, `stream` passes over it for
ever.

**Where files are looked for.** First in the folder that the environment variable ``XAVIER_DATA``
names, laid out like this, each IDX file gzipped or not, CIFAR-10 unpacked or not::

    mnist/train-images-idx3-ubyte[.gz]      mnist/train-labels-idx1-ubyte[.gz]
    mnist/t10k-images-idx3-ubyte[.gz]       mnist/t10k-labels-idx1-ubyte[.gz]
    cifar-10-batches-bin/data_batch_1.bin ... data_batch_5.bin, test_batch.bin
    cifar-10-binary.tar.gz
    small_imagenet/<class>/<image>

then in the cache (``XAVIER_CACHE``, by default the user's cache folder for ``xavier``), and last on
the network, from where a file goes into the cache once its SHA256 is right. Files of your own need
not have that SHA256. The structure of every file is checked in full on each load: magic number,
dimensions, exact length, range of the labels. Nothing is unpickled and nothing is unpacked to disk.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import math
import os
import sys
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from xavier import checks

__all__ = [
    "SPLITS",
    "Dataset",
    "DatasetDamaged",
    "DatasetMissing",
    "DatasetStream",
    "here",
    "load",
    "stream",
]

SPLITS = ("train", "valid", "test")
"""The names of the three parts of every data set."""


class DatasetMissing(FileNotFoundError):
    """A file is neither on this machine nor to be had from the network.

    The message says which, every place it was looked for, and how to get it.
    """


class DatasetDamaged(ValueError):
    """A file is not what it should be: the message says which, what was expected and found."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set, whole and in memory.

    Attributes:
        images: Shape (n, d), float32, pixels in [0, 1], one image a row, flattened row by row with
            the channels of a pixel side by side: ``images[i].reshape(shape)`` can be shown.
        labels: Shape (n,), int64, indices into ``classes``.
        shape: Height and width of an image in pixels, and its number of channels if it has colour.
        classes: Name of each class.
        name: Name of the data set.
        split: Which part of it.

    Raises:
        TypeError: If ``images`` is not float32 or ``labels`` is not int64.
        ValueError: If the sizes contradict one another, there is no image, or a label has no class.
    """

    images: Tensor
    labels: Tensor
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    name: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        _check_dtype("images", self.images, torch.float32)
        _check_dtype("labels", self.labels, torch.int64)
        images, labels, pixels = self.images, self.labels, math.prod(self.shape)
        if images.ndim != 2 or len(images) == 0 or images.shape[1] != pixels:
            expected = f"(n, {pixels}) with n at least 1, as shape is {self.shape}"
            raise ValueError(f"images must have shape {expected}, got {tuple(images.shape)}")
        if labels.shape != images.shape[:1]:
            expected = f"({len(images)},), one label an image"
            raise ValueError(f"labels must have shape {expected}, got {tuple(labels.shape)}")
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= len(self.classes):
            allowed = f"from 0 to {len(self.classes) - 1}, as there are {len(self.classes)} classes"
            raise ValueError(f"labels must be {allowed}, got {low} to {high}")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


def load(name: str, split: str) -> Dataset:
    """Load one split of a data set.

    ================== ====== ====== ====== =========== ======================================
    name               train  valid  test   shape       which images are which
    ================== ====== ====== ====== =========== ======================================
    ``digits``         1,000  397    400    (8, 8)      one fixed permutation, cut in this order
    ``mnist``          50,000 10,000 10,000 (28, 28)    valid: the last 10,000 of the 60,000
    ``cifar10``        40,000 10,000 10,000 (32, 32, 3) valid: the fifth training file
    ``small_imagenet`` 90,000 10,000 10,000 (37, 37)    in each class by hash of the file name
    ================== ====== ====== ====== =========== ======================================

    The sizes are the paper's (sec. 2.1), except for ``digits``, which it does not use. It takes
    CIFAR-10's validation images out of the training images without saying which: the choice here is
    ours. The permutation of ``digits`` sorts its 1,797 images by the raw 64-bit output of NumPy's
    Philox generator with seed 2010, which no version of NumPy changes. The same people wrote in all
    three parts.

    The paper's Small-ImageNet was never published. Here it is a folder of your own, with one
    sub-folder for each class, named after it, and in it images of any size and of any format that
    Pillow reads; names that begin with a dot are passed over. An image is made grey, cut to the
    square at its centre, and averaged down (or repeated up) to 37x37. Transparency is ignored, and
    of an animation the first picture is taken. Within a class, the files are put in order by the
    SHA256 of ``<class>/<file>``; 9/11 of them go to training and 1/11, but at least one, to each of
    the other two. So the proportions are the paper's 90:10:10, and the sizes follow from yours.

    Pixels are divided by the white level (16 for ``digits``, else 255); no centring, as the paper
    mentions none.

    Args:
        name: ``digits``, ``mnist``, ``cifar10`` or ``small_imagenet``.
        split: ``train``, ``valid`` or ``test``.

    Returns:
        The split, always in the same order, classes mixed.

    Raises:
        ValueError: If ``name`` or ``split`` is none of these.
        DatasetMissing: If a file is not here and cannot be downloaded.
        DatasetDamaged: If a file is truncated or otherwise not in its format. Nothing is returned
            half-read.
    """
    source = SOURCES[checks.one_of("name", name, SOURCES)]
    split = checks.one_of("split", split, SPLITS)
    raw = source.read(source, split)
    images = raw.images.astype(np.float32)
    images /= source.white
    labels = torch.from_numpy(raw.labels.astype(np.int64))
    return Dataset(torch.from_numpy(images), labels, source.shape, raw.classes, name, split)


def here(name: str) -> bool:
    """Whether `load` needs no network, as far as the names of files say.

    Args:
        name: As in `load`.

    Raises:
        ValueError: If ``name`` is none of these.
    """
    source = SOURCES[checks.one_of("name", name, SOURCES)]
    try:
        if name == "small_imagenet":
            return _small_imagenet_folder().is_dir()
        looked = [_places(source, file) for file in source.archives]
    except DatasetMissing:
        return False
    return all(any(path.exists() for path in (*own, cached)) for own, cached in looked)


def stream(name: str, split: str, seed: int) -> DatasetStream:
    """Load one split and pass over it for ever, each time in a new order.

    Every call loads the split anew. For many streams over a large one, load it once and give it to
    one `DatasetStream` a seed: they share its memory.

    Args:
        name: As in `load`.
        split: As in `load`.
        seed: From 0 to 2**63 - 1; fixes the order of every pass.

    Returns:
        The stream, at its beginning.

    Raises:
        TypeError: If ``seed`` is not an integer.
        ValueError: If ``seed`` is out of range; and whatever `load` raises.
    """
    seed = checks.seed("seed", seed)
    return DatasetStream(load(name, split), seed)


class DatasetStream:
    """Endless passes over a finite data set, a `xavier.streams.Stream`.

    Each pass visits every image exactly once, in an order that depends on the seed and on the
    number of the pass alone; a batch may span passes. The orders come from the raw output of
    NumPy's Philox generator, so that they are the same under every version of NumPy.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        """Start at the first pass.

        Args:
            dataset: What to pass over: from `load`, or one of your own.
            seed: From 0 to 2**63 - 1.

        Raises:
            TypeError: If ``dataset`` is not a `Dataset` or ``seed`` not an integer.
            ValueError: If ``seed`` is out of range.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
        self.dataset = dataset
        self._seed = checks.seed("seed", seed)
        self._position = 0
        self._pass = -1
        self._order = np.empty(0, dtype=np.int64)

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the next ``n`` images, shape (n, d), float32, and their labels, (n,), int64.

        Raises:
            TypeError: If ``n`` is not an integer.
            ValueError: If ``n`` is smaller than 1.
        """
        position, end = self._position, self._position + checks.positive_int("n", n)
        pieces = []
        while position < end:
            number, start = divmod(position, len(self.dataset))
            pieces.append(self._order_of(number)[start : start + end - position])
            position += len(pieces[-1])
        rows = torch.from_numpy(np.concatenate(pieces))
        self._position = end
        return self.dataset.images[rows], self.dataset.labels[rows]

    def state(self) -> dict[str, Any]:
        """Return the place in the stream: images given so far, and which stream it is."""
        labels = self.dataset.labels.cpu().numpy()
        return {
            "stream": "dataset",
            "name": self.dataset.name,
            "split": self.dataset.split,
            "labels": hashlib.sha256(labels.tobytes()).hexdigest(),
            "seed": self._seed,
            "position": self._position,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go to the place that ``state`` describes.

        Args:
            state: From ``state`` of a stream over the same split with the same seed.

        Raises:
            TypeError: If ``state`` is not a dictionary or its position not an integer.
            ValueError: If it is not a stream's state or belongs to another one.
        """
        own = self.state()
        if not isinstance(state, dict):
            raise TypeError(f"state must be a dict, got {type(state).__name__}")
        if state.keys() != own.keys():
            raise ValueError(f"state must have the keys {', '.join(own)}, got {state!r}")
        position = checks.count("state['position']", state["position"])
        for key in own.keys() - {"position"}:
            if state[key] != own[key]:
                differs = f"its {key} is {state[key]!r}, this one's is {own[key]!r}"
                raise ValueError(f"state belongs to another stream: {differs}")
        self._position = position

    def _order_of(self, number: int) -> NDArray[np.int64]:
        if number != self._pass:
            self._pass, self._order = number, _permutation(len(self.dataset), self._seed, number)
        return self._order


@dataclass(frozen=True)
class Archive:
    """A file to be downloaded: addresses that are tried in turn, and its SHA256 (hexadecimal)."""

    urls: tuple[str, ...]
    sha256: str


class Raw(NamedTuple):
    """What a reader returns: pixels (n, d) as they are stored, labels (n,), names of classes."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from and what it must look like.

    Attributes:
        name: Name of the data set.
        read: Reader of one split.
        sizes: Number of images by split; ``small_imagenet`` uses their proportions only.
        shape: Height, width and perhaps channels of an image.
        white: Pixel value that stands for 1.
        classes: Names of the classes; empty where the folders say.
        archives: What can be downloaded, by file name.
    """

    name: str
    read: Callable[[Source, str], Raw]
    sizes: Mapping[str, int]
    shape: tuple[int, ...]
    white: int = 255
    classes: tuple[str, ...] = ()
    archives: Mapping[str, Archive] = field(default_factory=dict)


# ------------------------------------------------------------------------------------- digits


def _read_digits(source: Source, split: str) -> Raw:
    from sklearn.datasets import load_digits  # slow to import

    images, labels = load_digits(return_X_y=True)
    rows = _permutation(len(labels), 2010)[_part(source.sizes, split, SPLITS)]
    return Raw(images[rows].astype(np.uint8), labels[rows], source.classes)


# -------------------------------------------------------------------------------------- MNIST


def _read_mnist(source: Source, split: str) -> Raw:
    pool = _pool(split)
    n = sum(source.sizes[part] for part in pool)
    stem = "t10k" if split == "test" else "train"
    images = _read_idx(_find(source, f"{stem}-images-idx3-ubyte.gz"), (n, *source.shape))
    path = _find(source, f"{stem}-labels-idx1-ubyte.gz")
    labels = _read_idx(path, (n,))
    _check_labels(str(path), labels, len(source.classes))
    part = _part(source.sizes, split, pool)
    return Raw(images.reshape(n, -1)[part], labels[part], source.classes)


def _read_idx(path: Path, dimensions: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped if its name ends in .gz."""
    magic = bytes([0, 0, 8, len(dimensions)])
    header = len(magic) + 4 * len(dimensions)
    content = _content(path, header + math.prod(dimensions))
    if content[: len(magic)] != magic:
        found = content[: len(magic)].hex() or "an empty file"
        raise _damaged(path, f"the magic number {magic.hex()}", found)
    if len(content) < header:
        raise _damaged(path, f"a header of {header} bytes", f"{len(content)} bytes in all")
    found_dimensions = tuple(np.frombuffer(content, ">u4", len(dimensions), len(magic)).tolist())
    if found_dimensions != dimensions:
        raise _damaged(path, f"the dimensions {dimensions}", str(found_dimensions))
    _check_length(path, len(content), header + math.prod(dimensions))
    return np.frombuffer(content, np.uint8, offset=header).reshape(dimensions)


def _content(path: Path, length: int) -> bytes:
    """Return a file's bytes, gunzipped, but at most one more than the expected ``length``."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(length + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, "a complete gzip file", str(error)) from error


# ----------------------------------------------------------------------------------- CIFAR-10

CIFAR10_FOLDER = "cifar-10-batches-bin"
CIFAR10_ARCHIVE = "cifar-10-binary.tar.gz"


def _read_cifar10(source: Source, split: str) -> Raw:
    pool = _pool(split)
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split != "test" else ["test_batch.bin"]
    n = sum(source.sizes[part] for part in pool)
    record = 1 + math.prod(source.shape)
    path = _find(source, CIFAR10_ARCHIVE)
    read = _read_folder if path.is_dir() else _read_tar
    contents = read(path, files, n // len(files) * record)
    records = np.frombuffer(b"".join(contents[file] for file in files), np.uint8).reshape(n, record)
    for file, labels in zip(files, np.split(records[:, 0], len(files)), strict=True):
        _check_labels(f"{path}: {file}", labels, len(source.classes))
    part = records[_part(source.sizes, split, pool)]
    height, width, channels = source.shape
    planes = part[:, 1:].reshape(-1, channels, height, width)
    images = planes.transpose(0, 2, 3, 1).reshape(len(part), -1)
    return Raw(images, part[:, 0], source.classes)


def _read_folder(path: Path, files: Sequence[str], length: int) -> dict[str, bytes]:
    contents = {}
    for file in files:
        if not (path / file).is_file():
            raise DatasetMissing(
                f"{file} is missing in the folder {path}: unpack {CIFAR10_ARCHIVE} again, or remove"
                " the folder"
            )
        contents[file] = _content(path / file, length)
        _check_length(path / file, len(contents[file]), length)
    return contents


def _read_tar(path: Path, files: Sequence[str], length: int) -> dict[str, bytes]:
    """Read ``files`` of a gzipped tar archive into memory; other members are passed over."""
    wanted = {f"{CIFAR10_FOLDER}/{file}": file for file in files}
    contents = {}
    try:
        with gzip.open(path) as plain, tarfile.open(fileobj=plain, mode="r:") as archive:
            for member in archive:
                if member.name in wanted:
                    contents[wanted[member.name]] = _read_member(path, archive, member, length)
            while plain.read(2**20):  # gzip's own checksum comes at its very end
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, "a complete gzipped tar archive", str(error)) from error
    if lacking := [name for name, file in wanted.items() if file not in contents]:
        raise _damaged(path, f"the members {', '.join(wanted)}", f"no {', '.join(lacking)}")
    return contents


def _read_member(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, length: int
) -> bytes:
    file = archive.extractfile(member) if member.isreg() else None
    if file is None:
        raise _damaged(path, f"{member.name} to be a regular file", "a link or a folder")
    _check_length(f"{path}: {member.name}", member.size, length)
    return file.read()


# ----------------------------------------------------------------------------- Small-ImageNet


def _read_small_imagenet(source: Source, split: str) -> Raw:
    folder = _small_imagenet_folder()
    classes = sorted(path.name for path in _visible(folder) if path.is_dir())
    if len(classes) < 2:
        raise _damaged(folder, "a folder for each of at least 2 classes", str(len(classes)))
    examples = [
        (file, label)
        for label, name in enumerate(classes)
        for file in _class_files(folder / name, source.sizes, split)
    ]
    examples.sort(key=lambda example: _name_hash(example[0]))
    progress = tqdm(examples, desc=f"small_imagenet {split}", unit="image", disable=None)
    images = np.stack([_grey(file, source.shape) for file, _ in progress])
    labels = np.array([label for _, label in examples])
    return Raw(images.reshape(len(images), -1), labels, tuple(classes))


def _small_imagenet_folder() -> Path:
    data = _data_folder()
    folder = data / "small_imagenet" if data else None
    if folder is None or not folder.is_dir():
        looked = folder or "nowhere, as XAVIER_DATA is not set"
        raise DatasetMissing(
            f"small_imagenet is missing. Looked for: {looked}. The paper's images were never"
            " published: make a folder small_imagenet with a sub-folder of images for each class,"
            " and set the environment variable XAVIER_DATA to the folder that it lies in."
        )
    return folder


def _class_files(folder: Path, sizes: Mapping[str, int], split: str) -> list[Path]:
    """Return a class's files of one split, in an order fixed by their names."""
    files = sorted(_visible(folder), key=_name_hash)
    if folders := [file for file in files if not file.is_file()]:
        raise _damaged(folder, "image files only", f"{folders[0].name}, which is not a file")
    if len(files) < len(SPLITS):
        raise _damaged(folder, "at least 3 images, one for each split", str(len(files)))
    total = sum(sizes.values())
    held = {s: max(1, round(len(files) * sizes[s] / total)) for s in ("valid", "test")}
    train = {"train": len(files) - sum(held.values())}
    return files[_part(train | held, split, SPLITS)]


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _name_hash(file: Path) -> bytes:
    name = f"{file.parent.name}/{file.name}"
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _grey(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an image of any format, size and colours as 8-bit grey of the given shape."""
    height, width = shape
    try:
        with Image.open(path) as image:
            grey = _eight_bit(image)
            small = ImageOps.fit(grey, (width, height), Image.Resampling.BOX)
            return np.asarray(small, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _damaged(path, "an image that Pillow reads", str(error)) from error


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # convert() would clip it at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode}, whose white level is unknown")
    return image.convert("L")


# ------------------------------------------------------------------------------ finding files


def _find(source: Source, file: str) -> Path:
    """Return where ``file`` is: under a name of one's own in XAVIER_DATA, in the cache, or new."""
    places, cached = _places(source, file)
    for place in places:
        if place.exists():
            return place
    refusals = []
    for url in source.archives[file].urls:
        try:
            return _fetch(url, source.archives[file].sha256, cached)
        except (OSError, ValueError) as error:
            refusals.append(f"{url} ({error})")
    raise _missing(source, file, places, cached, refusals)


def _places(source: Source, file: str) -> tuple[list[Path], Path]:
    """Where ``file`` may lie in the folder XAVIER_DATA, packed or not, and where in the cache."""
    if source.name == "mnist":
        names = (f"mnist/{file}", f"mnist/{file.removesuffix('.gz')}")
    else:
        names = (CIFAR10_FOLDER, CIFAR10_ARCHIVE)
    data = _data_folder()
    return [data / name for name in names] if data else [], _cache_folder() / source.name / file


def _fetch(url: str, sha256: str, path: Path) -> Path:
    """Return ``path``, downloaded first if it is not there or does not have the SHA256."""
    import pooch  # here: its progress bar looks for notebook widgets and warns if there are none

    pooch.get_logger().setLevel(logging.WARNING)
    pooch.retrieve(
        url,
        known_hash=f"sha256:{sha256}",
        fname=path.name,
        path=path.parent,
        progressbar=sys.stderr.isatty(),
    )
    return path


def _missing(
    source: Source, file: str, places: Sequence[Path], cached: Path, refusals: Sequence[str]
) -> DatasetMissing:
    state = "there, but with the wrong SHA256" if cached.exists() else "not there"
    own = [f"{place} (not there)" for place in places] or ["XAVIER_DATA (not set)"]
    lines = [
        f"{source.name}: {file} is missing. Looked for:",
        *(f"  {place}" for place in (*own, f"{cached} ({state})", *refusals)),
        "To get it, load it once with a network: it then stays in the cache, which the environment",
        "variable XAVIER_CACHE can move. Or download these files and put them into a folder, laid",
        "out as xavier.datasets says, that the environment variable XAVIER_DATA names:",
        *(f"  {archive.urls[0]}" for archive in source.archives.values()),
    ]
    return DatasetMissing("\n".join(lines))


def _data_folder() -> Path | None:
    value = os.environ.get("XAVIER_DATA")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DatasetMissing(
            f"the environment variable XAVIER_DATA must name a folder, got {value}"
        )
    return folder


def _cache_folder() -> Path:
    value = os.environ.get("XAVIER_CACHE")
    if value:
        return Path(value).expanduser()
    import pooch

    return Path(pooch.os_cache("xavier"))


# ------------------------------------------------------------------------- small common parts


def _pool(split: str) -> tuple[str, ...]:
    """Return the splits that share files with ``split``, in their order there."""
    return ("test",) if split == "test" else ("train", "valid")


def _part(sizes: Mapping[str, int], split: str, pool: Sequence[str]) -> slice:
    """Return the place of ``split`` where the splits of a ``pool`` follow one another."""
    start = sum(sizes[before] for before in pool[: pool.index(split)])
    return slice(start, start + sizes[split])


def _permutation(n: int, seed: int, number: int = 0) -> NDArray[np.int64]:
    """Return permutation ``number`` of range(n), the same under every version of NumPy.

    NumPy keeps bit generators and seed sequences fixed, but not ``Generator.permutation``.
    """
    bits = np.random.Philox(np.random.SeedSequence(seed, spawn_key=(number,)))
    return np.argsort(bits.random_raw(n), kind="stable").astype(np.int64)


def _check_dtype(name: str, value: Any, dtype: torch.dtype) -> None:
    if not isinstance(value, Tensor) or value.dtype != dtype:
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a tensor of {dtype}, got {found}")


def _check_length(where: Path | str, found: int, expected: int) -> None:
    if found != expected:
        raise _damaged(where, f"{expected} bytes", f"{'more' if found > expected else found}")


def _check_labels(where: str, labels: NDArray[np.uint8], classes: int) -> None:
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        found = f"{labels[wrong[0]]} at index {wrong[0]}"
        raise _damaged(where, f"labels from 0 to {classes - 1}", found)


def _damaged(where: Path | str, expected: str, found: str) -> DatasetDamaged:
    return DatasetDamaged(f"{where}: expected {expected}, found {found}")


# ---------------------------------------------------------------------------------- the table

DIGITS = tuple("0123456789")
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
CIFAR10_MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
)
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"


def _archive(file: str, mirrors: Sequence[str], sha256: str) -> Archive:
    return Archive(tuple(mirror + file for mirror in mirrors), sha256)


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "digits",
            _read_digits,
            {"train": 1_000, "valid": 397, "test": 400},
            (8, 8),
            white=16,
            classes=DIGITS,
        ),
        Source(
            "mnist",
            _read_mnist,
            {"train": 50_000, "valid": 10_000, "test": 10_000},
            (28, 28),
            classes=DIGITS,
            archives={
                file: _archive(file, MNIST_MIRRORS, sha256) for file, sha256 in MNIST_SHA256.items()
            },
        ),
        Source(
            "cifar10",
            _read_cifar10,
            {"train": 40_000, "valid": 10_000, "test": 10_000},
            (32, 32, 3),
            classes=CIFAR10_CLASSES,
            archives={CIFAR10_ARCHIVE: _archive(CIFAR10_ARCHIVE, CIFAR10_MIRRORS, CIFAR10_SHA256)},
        ),
        Source(
            "small_imagenet",
            _read_small_imagenet,
            {"train": 90_000, "valid": 10_000, "test": 10_000},
            (37, 37),
        ),
    )
}
"""Every data set by name. A test puts a small `Source` in place of a large one."""
