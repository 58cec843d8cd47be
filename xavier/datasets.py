"""Finite data sets behind one interface (section 2.1 of the paper), and what a stream is.

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
not have that SHA256. Nothing is unpickled and nothing is unpacked to disk.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import math
import os
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tarfile import TarError
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xavier import checks

SPLITS = ("train", "valid", "test")
"""The names of the three parts of every data set."""


class DatasetMissing(FileNotFoundError):
    """A file is neither on this machine nor to be had from the network.

    The message says which, every place it was looked for, and how to get it.
    """


class DatasetDamaged(ValueError):
    """A file is not what it should be: the message says which, and what is wrong."""


@runtime_checkable
class Stream(Protocol):
    """The one thing that training knows about data: an endless sequence of labelled images.

    A stream is a sequence first and batches second: the same seed gives the same images in the
    same order whatever batch sizes are asked for. `xavier.shapeset.Shapeset` draws new images for
    ever, the paper's online learning (sec. 2.1); `DatasetStream` passes over a finite set for ever.

    The class is a protocol: a class with these three methods is a stream without inheriting from
    it. ``isinstance(x, Stream)`` looks at the names of the methods only, not at what they return.
    """

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """The next ``n`` images, float32 of shape (n, d), and labels, int64 of shape (n,), from 0.

        Raises:
            ValueError: ``n`` is smaller than 1. The stream has then not moved.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Which stream it is and the place in it, as a new dictionary that JSON can hold."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where ``state`` was asked for, here or in a stream made with the same arguments.

        Raises:
            ValueError: it belongs to another stream or is not a stream's state. The stream has
                then not moved.
        """
        ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set, whole and in memory.

    Attributes:
        images: shape (n, d), float32, pixels in [0, 1], one image a row, flattened row by row with
            the channels of a pixel side by side: ``images[i].reshape(shape)`` can be shown.
        labels: shape (n,), int64, indices into ``classes``.
        shape: height and width of an image in pixels, and its number of channels if it has colour.
        classes: name of each class.
        name: name of the data set.
        split: which part of it.

    Raises:
        TypeError: ``images`` is not float32 or ``labels`` is not int64.
        ValueError: the sizes contradict one another, there is no image, or a label has no class.
    """

    images: Tensor
    labels: Tensor
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    name: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        for key, wanted in (("images", torch.float32), ("labels", torch.int64)):
            if (found := getattr(self, key).dtype) != wanted:
                raise TypeError(f"{key} must be of {wanted}, got {found}")
        expected = (len(self.labels), math.prod(self.shape))
        if self.images.shape != expected or not len(self.labels):
            raise ValueError(
                f"images must have shape {expected}, one of shape {self.shape} for each of at "
                f"least one label, got {tuple(self.images.shape)}"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise ValueError(
                f"labels must be from 0 to {len(self.classes) - 1}, as there are "
                f"{len(self.classes)} classes, got {low} to {high}"
            )

    def __len__(self) -> int:
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
    square at its centre, and averaged down (or repeated up) to 37x37. Within a class, the files are
    put in order by the SHA256 of ``<class>/<file>``; 9/11 of them go to training and 1/11, but at
    least one, to each of the other two. So the proportions are the paper's 90:10:10, and the sizes
    follow from yours.

    Pixels are divided by the white level (16 for ``digits``, else 255); no centring, as the paper
    mentions none.

    >>> digits = load("digits", "valid")
    >>> digits.images.shape, digits.shape
    (torch.Size([397, 64]), (8, 8))

    Args:
        name: ``digits``, ``mnist``, ``cifar10`` or ``small_imagenet``.
        split: ``train``, ``valid`` or ``test``.

    Returns:
        The split, always in the same order, classes mixed.

    Raises:
        ValueError: ``name`` or ``split`` is none of these.
        DatasetMissing: a file is not here and cannot be downloaded.
        DatasetDamaged: a file is truncated or otherwise not in its format. Nothing is returned
            half-read.
        ModuleNotFoundError: scikit-learn or pooch is needed and not installed.
    """
    source = SOURCES[checks.one_of("name", name, SOURCES)]
    split = checks.one_of("split", split, SPLITS)
    raw = source.read(source, split)
    images = raw.images.astype(np.float32)
    images /= source.white
    labels = torch.from_numpy(raw.labels.astype(np.int64))
    with _reading(name):
        return Dataset(torch.from_numpy(images), labels, source.shape, raw.classes, name, split)


def stream(name: str, split: str, seed: int) -> DatasetStream:
    """Load one split and pass over it for ever, each time in a new order.

    Every call loads the split anew. For many streams over a large one, load it once and give it to
    one `DatasetStream` a seed: they share its memory.

    >>> images, labels = stream("digits", "train", seed=0).batch(10)
    >>> images.shape, labels.shape
    (torch.Size([10, 64]), torch.Size([10]))

    Args:
        name, split: of what `load` knows; whatever it raises is raised here.
        seed: from 0 to 2**63 - 1; fixes the order of every pass.
    """
    seed = checks.seed("seed", seed)
    return DatasetStream(load(name, split), seed)


class DatasetStream:
    """Endless passes over a finite data set, a `Stream`.

    Each pass visits every image exactly once, in an order that depends on the seed and on the
    number of the pass alone; a batch may span passes. The orders come from the raw output of
    NumPy's Philox generator, so that they are the same under every version of NumPy.

    Args:
        dataset: what to pass over: from `load`, or one of your own.
        seed: an integer from 0 to 2**63 - 1; fixes the order of every pass.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self.dataset = dataset
        self._seed = checks.seed("seed", seed)
        self._position = 0
        self._pass = -1
        self._order = np.empty(0, dtype=np.int64)

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """The next ``n`` images, at least one, and their labels."""
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
        """How many images were given so far, and which stream it is."""
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
        """Go to where a stream over the same split with the same seed stood."""
        self._position = checks.position(self.state(), state)

    def _order_of(self, number: int) -> NDArray[np.int64]:
        if number != self._pass:
            self._pass, self._order = number, _permutation(len(self.dataset), self._seed, number)
        return self._order


# ------------------------------------------------------------------------------------ readers


class Raw(NamedTuple):
    """What a reader returns: pixels (n, d) as they are stored, labels (n,), names of classes."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from and what it must look like."""

    read: Callable[[Source, str], Raw]
    sizes: Mapping[str, int]  # by split; of small_imagenet the proportions only
    shape: tuple[int, ...]
    white: int = 255  # the pixel value that stands for 1
    classes: tuple[str, ...] = ()  # empty where the folders say
    archives: Mapping[str, str] = field(default_factory=dict)  # SHA256 of what is downloaded
    mirrors: tuple[str, ...] = ()  # addresses that are tried in turn


def _read_digits(source: Source, split: str) -> Raw:
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise _missing("No module named 'sklearn'")
    # The file by itself: to import what reads it takes longer than all that is done with it.
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    table = _table(file)
    images, labels = table[:, :-1], table[:, -1]
    rows = _permutation(len(labels), 2010)[_part(source.sizes, split, SPLITS)]
    return Raw(images[rows].astype(np.uint8), labels[rows], source.classes)


@cache
def _table(file: Path) -> NDArray[np.int64]:
    if file.is_file():
        return np.loadtxt(file, delimiter=",").astype(np.int64)
    from sklearn.datasets import load_digits  # of a version that keeps it elsewhere

    images, labels = load_digits(return_X_y=True)
    return np.column_stack([images, labels]).astype(np.int64)


def _read_mnist(source: Source, split: str) -> Raw:
    pool = _pool(split)
    n = sum(source.sizes[part] for part in pool)
    stem = "t10k" if split == "test" else "train"
    images = _read_idx(_find("mnist", f"{stem}-images-idx3-ubyte.gz"), (n, *source.shape))
    labels = _read_idx(_find("mnist", f"{stem}-labels-idx1-ubyte.gz"), (n,))
    part = _part(source.sizes, split, pool)
    return Raw(images.reshape(n, -1)[part], labels[part], source.classes)


def _read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: two zeros, 8, the number of dimensions, these, bytes."""
    head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
    with _reading(path):
        content = _content(path)
        if not content.startswith(head):
            raise ValueError(f"it must begin with {head.hex()}, got {content[: len(head)].hex()}")
        return np.frombuffer(content, np.uint8, offset=len(head)).reshape(shape)


def _read_cifar10(source: Source, split: str) -> Raw:
    pool = _pool(split)
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if split != "test" else ["test_batch.bin"]
    path = _find("cifar10", CIFAR10_ARCHIVE)
    with _reading(path):
        if path.is_dir():
            contents = [(path / name).read_bytes() for name in names]
        else:
            with tarfile.open(fileobj=io.BytesIO(_content(path))) as archive:
                contents = [
                    archive.extractfile(f"{CIFAR10_FOLDER}/{name}").read()  # type: ignore[union-attr]
                    for name in names
                ]
        n, record = sum(source.sizes[part] for part in pool), 1 + math.prod(source.shape)
        records = np.frombuffer(b"".join(contents), np.uint8).reshape(n, record)
    part = records[_part(source.sizes, split, pool)]
    height, width, channels = source.shape
    planes = part[:, 1:].reshape(-1, channels, height, width)
    return Raw(planes.transpose(0, 2, 3, 1).reshape(len(part), -1), part[:, 0], source.classes)


def _read_small_imagenet(source: Source, split: str) -> Raw:
    data, total = _data_folder(), sum(source.sizes.values())
    folder = data / "small_imagenet" if data else None
    if folder is None or not folder.is_dir():
        raise DatasetMissing(
            f"small_imagenet is missing, looked for {folder or 'nowhere: XAVIER_DATA is not set'}."
            " The paper's images were never published: make a folder small_imagenet with a"
            " sub-folder of images for each class, and let XAVIER_DATA name the folder around it."
        )
    classes = tuple(sorted(path.name for path in _visible(folder) if path.is_dir()))
    if len(classes) < 2:
        raise DatasetDamaged(f"{folder} must hold a folder for each class, got {len(classes)}")
    examples: list[tuple[Path, int]] = []
    for label, name in enumerate(classes):
        files = sorted(_visible(folder / name), key=_name_hash)
        if len(files) < len(SPLITS):
            raise DatasetDamaged(f"{folder / name} must hold at least 3 images, got {len(files)}")
        held = {s: max(1, round(len(files) * source.sizes[s] / total)) for s in ("valid", "test")}
        sizes = {"train": len(files) - sum(held.values()), **held}
        examples += [(file, label) for file in files[_part(sizes, split, SPLITS)]]
    examples.sort(key=lambda example: _name_hash(example[0]))
    images = np.stack([_grey(file, source.shape) for file, _ in examples])
    labels = np.array([label for _, label in examples])
    return Raw(images.reshape(len(images), -1), labels, classes)


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _name_hash(file: Path) -> bytes:
    name = f"{file.parent.name}/{file.name}"
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _grey(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an image of any format, size and colours as 8-bit grey of the given shape."""
    from PIL import Image, ImageOps

    height, width = shape
    with _reading(path), Image.open(path) as image:
        if image.mode[0] in "IF":
            raise ValueError(f"its mode is {image.mode}, whose white level is unknown")
        small = ImageOps.fit(image.convert("L"), (width, height), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.uint8)


@contextmanager
def _reading(what: Path | str) -> Iterator[None]:
    """Say which file it is that is not in its format."""
    try:
        yield
    except (ValueError, KeyError, SyntaxError, OSError, EOFError, zlib.error, TarError) as error:
        raise DatasetDamaged(f"{what} is damaged or not in its format: {error}") from error


def _content(path: Path) -> bytes:
    """A file's bytes, all of them gunzipped, so that gzip's checksum at the very end is seen."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def _missing(what: object) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"{what}; it comes with xavier-book[experiments]: pip install '.[experiments]' in a "
        "clone of its repository"
    )


# ------------------------------------------------------------------------------ finding files


def _find(name: str, file: str) -> Path:
    """Return where ``file`` is: in XAVIER_DATA, in the cache, or downloaded into it."""
    places, cached = _own_places(name, file), _cache() / name / file
    for place in places:
        if place.exists():
            return place
    pooch, source = _import("pooch"), SOURCES[name]
    pooch.get_logger().setLevel("WARNING")
    refusals = []
    for mirror in source.mirrors:
        try:
            pooch.retrieve(  # which looks into the cache first
                mirror + file,
                known_hash=f"sha256:{source.archives[file]}",
                fname=file,
                path=cached.parent,
                progressbar=sys.stderr.isatty(),
            )
            return cached
        except (OSError, ValueError) as error:
            refusals.append(f"{mirror}{file} ({error})")
    state = "there, but with the wrong SHA256" if cached.exists() else "not there"
    own = [f"{place} (not there)" for place in places] or ["XAVIER_DATA (not set)"]
    lines = [
        f"{name}: {file} is missing. Looked for:",
        *(f"  {place}" for place in (*own, f"{cached} ({state})", *refusals)),
        "Load it once with a network: it then stays in the cache, which XAVIER_CACHE can move. Or",
        "put these files into a folder, laid out as xavier.datasets says, that XAVIER_DATA names:",
        *(f"  {source.mirrors[0]}{archive}" for archive in source.archives),
    ]
    raise DatasetMissing("\n".join(lines))


def _own_places(name: str, file: str) -> list[Path]:
    """Where ``file`` may lie in the folder XAVIER_DATA, packed or not."""
    mnist = (f"mnist/{file}", f"mnist/{file.removesuffix('.gz')}")
    data = _data_folder()
    places = mnist if name == "mnist" else (CIFAR10_FOLDER, CIFAR10_ARCHIVE)
    return [data / place for place in places] if data else []


def _data_folder() -> Path | None:
    value = os.environ.get("XAVIER_DATA")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DatasetMissing(f"the variable XAVIER_DATA must name a folder, got {value}")
    return folder


def _cache() -> Path:
    value = os.environ.get("XAVIER_CACHE")
    return Path(value).expanduser() if value else Path(_import("pooch").os_cache("xavier"))


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


CIFAR10_FOLDER = "cifar-10-batches-bin"
CIFAR10_ARCHIVE = "cifar-10-binary.tar.gz"

# As sha256sum prints them.
_SHA256 = """\
440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609  train-images-idx3-ubyte.gz
3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c  train-labels-idx1-ubyte.gz
8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6  t10k-images-idx3-ubyte.gz
f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6  t10k-labels-idx1-ubyte.gz
c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd  cifar-10-binary.tar.gz
"""
_HASHES = {file: sha256 for sha256, file in map(str.split, _SHA256.splitlines())}

SOURCES: dict[str, Source] = {
    "digits": Source(
        _read_digits,
        {"train": 1_000, "valid": 397, "test": 400},
        (8, 8),
        white=16,
        classes=tuple("0123456789"),
    ),
    "mnist": Source(
        _read_mnist,
        {"train": 50_000, "valid": 10_000, "test": 10_000},
        (28, 28),
        classes=tuple("0123456789"),
        archives={file: sha256 for file, sha256 in _HASHES.items() if "idx" in file},
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "cifar10": Source(
        _read_cifar10,
        {"train": 40_000, "valid": 10_000, "test": 10_000},
        (32, 32, 3),
        classes=(
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        archives={CIFAR10_ARCHIVE: _HASHES[CIFAR10_ARCHIVE]},
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
    ),
    "small_imagenet": Source(
        _read_small_imagenet, {"train": 90_000, "valid": 10_000, "test": 10_000}, (37, 37)
    ),
}
"""Every data set by name. A test puts a small `Source` in place of a large one.

:meta hide-value:"""
