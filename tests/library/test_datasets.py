"""`xavier.datasets`: splits, formats sound and damaged, missing files, downloads, streams."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import http.server
import importlib.util
import io
import json
import math
import re
import shutil
import socket
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from xavier import datasets
from xavier.datasets import Dataset, DatasetDamaged, DatasetMissing, DatasetStream, Stream

SMALL = {"train": 15, "valid": 5, "test": 4}
TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own data folder (returned) and cache; leave no way to the network."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("XAVIER_DATA", str(data))
    monkeypatch.setenv("XAVIER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("mnist", "cifar10"):
        replace_source(monkeypatch, name, sizes=SMALL, mirrors=(closed_address(),))
    return data


@functools.cache
def closed_address() -> str:
    """Return an address of this machine where nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def replace_source(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    sizes: dict[str, int] | None = None,
    mirrors: tuple[str, ...],
    folder: Path | None = None,
) -> None:
    """Give a data set small sizes and other mirrors; the SHA256s are those of files in a folder."""
    source = datasets.SOURCES[name]
    archives = {
        file: sha256((folder / file).read_bytes()) if folder else known
        for file, known in source.archives.items()
    }
    small = dataclasses.replace(
        source, sizes=sizes or source.sizes, archives=archives, mirrors=mirrors
    )
    monkeypatch.setitem(datasets.SOURCES, name, small)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def idx(values: NDArray[np.uint8], magic: bytes | None = None) -> bytes:
    """Write an IDX file as its specification says: magic, big-endian dimensions, bytes."""
    head = magic or bytes([0, 0, 8, values.ndim])
    return head + b"".join(size.to_bytes(4, "big") for size in values.shape) + values.tobytes()


def pixels(n: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(n).integers(0, 256, (n, *shape), dtype=np.uint8)


def ten_classes(n: int) -> NDArray[np.uint8]:
    return (np.arange(n) * 7 % 10).astype(np.uint8)


def write_mnist(folder: Path, *, zipped: bool) -> dict[str, list[NDArray[np.uint8]]]:
    """Write 20 training and 4 test images in MNIST's format; return them by stem."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for stem, n in (("train", 20), ("t10k", 4)):
        images, labels = pixels(n, 28, 28), ten_classes(n)
        written[stem] = [images, labels]
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            content = gzip.compress(idx(values), mtime=0) if zipped else idx(values)
            name = f"{stem}-{kind}-ubyte" + (".gz" if zipped else "")
            (folder / name).write_bytes(content)
    return written


def cifar_files() -> dict[str, bytes]:
    """Return files in CIFAR-10's binary format, 4 images each: label, red, green, blue plane."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    files = {}
    for number, name in enumerate(names):
        labels = (np.arange(4, dtype=np.uint8) + number)[:, None]
        planes = np.random.default_rng(number).integers(0, 256, (4, 3072), dtype=np.uint8)
        files[name] = np.hstack([labels, planes]).tobytes()
    return files


CIFAR_SIZES = {"train": 16, "valid": 4, "test": 4}
CIFAR_FOLDER = "cifar-10-batches-bin"


def cifar_tar(files: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    """Pack files as the public archive does, with whatever members come in addition."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in extra:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
        for name, content in files.items():
            member = tarfile.TarInfo(f"{CIFAR_FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def cifar(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make CIFAR-10 small; return where its archive goes."""
    replace_source(monkeypatch, "cifar10", sizes=CIFAR_SIZES, mirrors=(closed_address(),))
    return folders / "cifar-10-binary.tar.gz"


# ------------------------------------------------------------------------------------- digits


def test_digits_splits_have_their_sizes_and_share_no_image() -> None:
    splits = [datasets.load("digits", split) for split in datasets.SPLITS]
    assert [len(split) for split in splits] == [1000, 397, 400]
    rows = [tuple(row) for split in splits for row in (split.images * 16).int().tolist()]
    assert sorted(rows) == sorted(tuple(row) for row in load_digits().data.astype(int).tolist())
    assert len(set(rows)) == len(rows)


def test_digits_are_flat_float32_in_zero_one_and_keep_their_labels() -> None:
    bunch = load_digits()
    label_of = {tuple(row): label for row, label in zip(bunch.data, bunch.target, strict=True)}
    digits = datasets.load("digits", "valid")
    found = [label_of[tuple(row)] for row in (digits.images.double() * 16).tolist()]
    assert found == digits.labels.tolist()
    assert digits.images.dtype == torch.float32 and digits.labels.dtype == torch.int64
    assert digits.images.shape == (397, 64) and digits.shape == (8, 8)
    assert digits.classes == tuple("0123456789")
    assert digits.images.min() == 0 and digits.images.max() == 1


def test_digits_split_is_the_same_for_ever() -> None:
    found = {}
    for split in datasets.SPLITS:
        digits = datasets.load("digits", split)
        found[split] = sha256(digits.images.numpy().tobytes() + digits.labels.numpy().tobytes())[
            :16
        ]
    assert found == {
        "train": "85fca127ddc6e9f7",
        "valid": "909fb5e980846df5",
        "test": "23ae2f1aabceba7f",
    }


def test_what_is_not_installed_is_named_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "pooch", None)
    for name in ("digits", "mnist"):
        with pytest.raises(ModuleNotFoundError, match=r"(sklearn|pooch).*\[experiments\]: pip"):
            datasets.load(name, "train")


# -------------------------------------------------------------------------------------- MNIST


@pytest.mark.parametrize("zipped", [True, False])
def test_mnist_is_cut_into_the_splits_and_scaled(folders: Path, zipped: bool) -> None:
    written = write_mnist(folders / "mnist", zipped=zipped)
    for split, stem, rows in (
        ("train", "train", slice(0, 15)),
        ("valid", "train", slice(15, 20)),
        ("test", "t10k", slice(0, 4)),
    ):
        images, labels = written[stem]
        mnist = datasets.load("mnist", split)
        assert mnist.shape == (28, 28)
        assert mnist.images.dtype == torch.float32
        expected = images[rows].reshape(-1, 784) / np.float32(255)
        np.testing.assert_array_equal(mnist.images.numpy(), expected)
        assert mnist.labels.tolist() == labels[rows].tolist()


def test_full_size_specifications_are_those_of_the_paper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    sizes = {name: tuple(source.sizes.values()) for name, source in datasets.SOURCES.items()}
    assert sizes == {
        "digits": (1000, 397, 400),
        "mnist": (50_000, 10_000, 10_000),
        "cifar10": (40_000, 10_000, 10_000),
        "small_imagenet": (90_000, 10_000, 10_000),
    }
    inputs = {name: math.prod(source.shape) for name, source in datasets.SOURCES.items()}
    assert inputs == {"digits": 64, "mnist": 784, "cifar10": 3072, "small_imagenet": 1369}
    for source in datasets.SOURCES.values():
        assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in source.archives.values())
        assert len(source.mirrors) >= 2 or not source.archives
        assert all(url.startswith("https://") and url.endswith("/") for url in source.mirrors)


@pytest.mark.parametrize(
    ("file", "spoil", "message"),
    [
        (TRAIN_IMAGES, lambda c: c[:-1], "cannot reshape array of size 15679"),
        (TRAIN_IMAGES, lambda c: c + b"\0", "cannot reshape array of size 15681"),
        (TRAIN_IMAGES, lambda c: c[:9], "it must begin with 00000803"),
        (TRAIN_IMAGES, lambda c: b"\x89PNG" + c[4:], "got 89504e47"),
        (TRAIN_IMAGES, lambda _: idx(pixels(20, 27, 28)), "got 0000080300000014000000"),
        (TRAIN_LABELS, lambda c: c[:-1], "cannot reshape array of size 19"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_idx_file_is_named_with_what_is_wrong(
    folders: Path, zipped: bool, file: str, spoil: Callable[[bytes], bytes], message: str
) -> None:
    write_mnist(folders / "mnist", zipped=False)
    path = folders / "mnist" / file
    content = spoil(path.read_bytes())
    if zipped:
        path.unlink()
        path = path.with_name(f"{file}.gz")
        content = gzip.compress(content)
    path.write_bytes(content)
    with pytest.raises(DatasetDamaged) as error:
        datasets.load("mnist", "train")
    assert str(error.value).startswith(f"{path} is damaged or not in its format: ")
    assert message in str(error.value)


def test_labels_that_have_no_class_are_refused(folders: Path) -> None:
    write_mnist(folders / "mnist", zipped=False)
    path = folders / "mnist" / TRAIN_LABELS
    path.write_bytes(path.read_bytes().replace(b"\x09", b"\x0a"))
    with pytest.raises(DatasetDamaged, match=r"mnist .* labels must be from 0 to 9, .* 0 to 10$"):
        datasets.load("mnist", "train")


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


# ----------------------------------------------------------------------------------- CIFAR-10


@pytest.mark.parametrize("packed", [True, False])
def test_cifar10_is_cut_into_the_splits_with_channels_last(cifar: Path, packed: bool) -> None:
    files = cifar_files()
    if packed:
        cifar.write_bytes(cifar_tar(files))
    else:
        (cifar.parent / CIFAR_FOLDER).mkdir()
        for name, content in files.items():
            (cifar.parent / CIFAR_FOLDER / name).write_bytes(content)
    for split, names in (
        ("train", [f"data_batch_{i}.bin" for i in range(1, 5)]),
        ("valid", ["data_batch_5.bin"]),
        ("test", ["test_batch.bin"]),
    ):
        loaded = datasets.load("cifar10", split)
        content = b"".join(files[name] for name in names)
        assert loaded.labels.tolist() == list(content[::3073])
        assert loaded.shape == (32, 32, 3)
        assert loaded.images.shape == (len(loaded), 3072)
        image = loaded.images[-1].reshape(loaded.shape)
        last = content[-3072:]  # red, green and blue plane of 32 rows of 32
        for row, column, channel in ((0, 0, 0), (3, 17, 1), (31, 30, 2)):
            value = last[channel * 1024 + row * 32 + column]
            assert image[row, column, channel] == np.float32(value) / np.float32(255)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c + b"\0"])
def test_damaged_cifar10_batch_is_refused(
    cifar: Path, packed: bool, spoil: Callable[[bytes], bytes]
) -> None:
    files = cifar_files()
    files["data_batch_3.bin"] = spoil(files["data_batch_3.bin"])
    folder = cifar.parent / CIFAR_FOLDER
    if packed:
        cifar.write_bytes(cifar_tar(files))
    else:
        folder.mkdir()
        for name, batch in files.items():
            (folder / name).write_bytes(batch)
    with pytest.raises(DatasetDamaged, match="cannot reshape array of size") as error:
        datasets.load("cifar10", "train")
    assert str(error.value).startswith(str(cifar if packed else folder))


def without(member: str) -> dict[str, bytes]:
    return {name: content for name, content in cifar_files().items() if name != member}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda c: c[: len(c) // 2], "", id="cut in half"),
        pytest.param(lambda c: flip(c, len(c) // 2), "", id="a byte of the data"),
        pytest.param(lambda c: flip(c, len(c) - 6), "", id="a byte of the checksum"),
        pytest.param(lambda _: gzip.compress(b"no archive" * 100), "", id="not tar"),
        pytest.param(lambda _: cifar_tar(without("data_batch_4.bin")),
                     f"{CIFAR_FOLDER}/data_batch_4.bin' not found", id="without a member"),
    ],
)  # fmt: skip
def test_damaged_cifar10_archive_is_refused(
    cifar: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    cifar.write_bytes(spoil(cifar_tar(cifar_files())))
    with pytest.raises(DatasetDamaged) as error:
        datasets.load("cifar10", "train")
    assert str(error.value).startswith(f"{cifar} is damaged ") and reason in str(error.value)


def test_cifar10_archive_with_a_member_outside_writes_nothing(cifar: Path) -> None:
    outside = tarfile.TarInfo("../../outside")
    outside.size = 10
    absolute = tarfile.TarInfo(str(cifar.parent.parent / "absolute"))
    absolute.size = 10
    cifar.write_bytes(cifar_tar(cifar_files(), (outside, absolute)))
    before = sorted(cifar.parent.parent.rglob("*"))
    assert len(datasets.load("cifar10", "train")) == 16
    assert sorted(cifar.parent.parent.rglob("*")) == before
    assert not (cifar.parent / "../../outside").exists()


def test_cifar10_member_that_is_a_link_is_refused(cifar: Path) -> None:
    secret = cifar.parent / "secret"
    files = cifar_files()
    secret.write_bytes(files.pop("data_batch_3.bin"))
    link = tarfile.TarInfo(f"{CIFAR_FOLDER}/data_batch_3.bin")
    link.type, link.linkname = tarfile.SYMTYPE, str(secret)
    cifar.write_bytes(cifar_tar(files, (link,)))
    with pytest.raises(DatasetDamaged, match=r"linkname .* not found"):
        datasets.load("cifar10", "train")


def test_cifar10_folder_without_a_file_says_which(cifar: Path) -> None:
    folder = cifar.parent / CIFAR_FOLDER
    folder.mkdir()
    with pytest.raises(DatasetDamaged, match=rf"No such file .*{CIFAR_FOLDER}/test_batch\.bin"):
        datasets.load("cifar10", "test")


# -------------------------------------------------------------------------------- not to be had


@pytest.mark.parametrize(
    ("name", "file", "own"),
    [
        ("mnist", f"{TRAIN_IMAGES}.gz", [f"mnist/{TRAIN_IMAGES}.gz", f"mnist/{TRAIN_IMAGES}"]),
        ("cifar10", "cifar-10-binary.tar.gz", [CIFAR_FOLDER, "cifar-10-binary.tar.gz"]),
    ],
)
def test_missing_files_and_no_network_says_what_where_and_how(
    folders: Path, name: str, file: str, own: list[str]
) -> None:
    with pytest.raises(FileNotFoundError) as error:
        datasets.load(name, "train")
    assert isinstance(error.value, DatasetMissing)
    message = str(error.value)
    assert message.startswith(f"{name}: {file} is missing")
    for place in own:
        assert str(folders / place) in message
    assert str(folders.parent / "cache" / name / file) in message
    assert f"{closed_address()}{file} (" in message
    assert "Connection" in message
    for advice in ("XAVIER_DATA", "XAVIER_CACHE", *datasets.SOURCES[name].archives):
        assert advice in message


def test_folders_that_are_not_named_or_not_there_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XAVIER_DATA", str(tmp_path / "typo"))
    for name in ("mnist", "small_imagenet"):
        with pytest.raises(DatasetMissing, match=r"XAVIER_DATA must name a folder, got .*typo"):
            datasets.load(name, "train")
    monkeypatch.delenv("XAVIER_DATA")
    monkeypatch.delenv("XAVIER_CACHE")  # then it is the user's own
    monkeypatch.setenv("XDG_CACHE_HOME", "/users/own")
    cache = re.escape(str(Path(pooch.os_cache("xavier")) / "mnist"))
    with pytest.raises(DatasetMissing, match=rf"(?s)XAVIER_DATA \(not set\).*{cache}"):
        datasets.load("mnist", "train")
    with pytest.raises(DatasetMissing, match=r"XAVIER_DATA is not set.* sub-folder of images"):
        datasets.load("small_imagenet", "train")


@dataclasses.dataclass
class Server:
    """A web server on this machine: its address, its folder, and what was asked of it."""

    url: str
    folder: Path
    requests: list[str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    requests: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)

        def log_message(self, *_: Any) -> None:
            requests.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield Server(f"http://127.0.0.1:{httpd.server_port}/", folder, requests)
        httpd.shutdown()


def test_download_falls_back_to_the_next_mirror_and_happens_once(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    images, labels = write_mnist(server.folder, zipped=True)["t10k"]
    mirrors = (closed_address(), server.url)
    replace_source(monkeypatch, "mnist", mirrors=mirrors, folder=server.folder)
    first = datasets.load("mnist", "test")
    np.testing.assert_array_equal(first.images, images.reshape(4, 784) / np.float32(255))
    asked = list(server.requests)
    assert sorted(asked) == ["/t10k-images-idx3-ubyte.gz", "/t10k-labels-idx1-ubyte.gz"]
    cached = sorted(path.name for path in (tmp_path / "cache" / "mnist").iterdir())
    assert cached == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    assert datasets.load("mnist", "test").labels.tolist() == labels.tolist()
    assert server.requests == asked


def test_a_download_shows_its_progress_in_a_terminal_and_is_quiet_elsewhere(
    monkeypatch: pytest.MonkeyPatch, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    write_mnist(server.folder, zipped=True)
    replace_source(monkeypatch, "mnist", mirrors=(server.url,), folder=server.folder)
    datasets.load("mnist", "test")
    assert server.requests
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    datasets.load("mnist", "train")
    assert "100%" in capfd.readouterr().err


def test_download_with_the_wrong_checksum_is_refused_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    write_mnist(server.folder, zipped=True)
    replace_source(monkeypatch, "mnist", mirrors=(server.url,))  # keeps the real SHA256s
    with pytest.raises(DatasetMissing) as error:
        datasets.load("mnist", "train")
    message = str(error.value)
    assert f"{server.url}{TRAIN_IMAGES}.gz (SHA256 hash of downloaded file" in message
    assert datasets.SOURCES["mnist"].archives[f"{TRAIN_IMAGES}.gz"] in message
    assert server.requests == [f"/{TRAIN_IMAGES}.gz"]
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []


def test_cached_file_that_was_changed_is_downloaded_again_or_reported(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    write_mnist(server.folder, zipped=True)
    replace_source(monkeypatch, "mnist", mirrors=(server.url,), folder=server.folder)
    original = datasets.load("mnist", "test").labels.tolist()
    cached = tmp_path / "cache" / "mnist" / "t10k-labels-idx1-ubyte.gz"
    cached.write_bytes(gzip.compress(idx(np.zeros(4, np.uint8))))
    assert datasets.load("mnist", "test").labels.tolist() == original
    cached.write_bytes(gzip.compress(idx(np.zeros(4, np.uint8))))
    shutil.rmtree(server.folder)
    with pytest.raises(DatasetMissing) as error:
        datasets.load("mnist", "test")
    assert f"{cached} (there, but with the wrong SHA256)" in str(error.value)


# ----------------------------------------------------------------------------- Small-ImageNet


def write_images(folder: Path, per_class: int = 11) -> Path:
    """Write two classes of images, the greys telling them apart (birds dark, fish bright)."""
    root = folder / "small_imagenet"
    for name, low in (("fish", 128), ("birds", 0)):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            Image.new("L", (40, 40), low + i).save(root / name / f"{i:03}.png")
    return root


def test_small_imagenet_splits_each_class_without_overlap(folders: Path) -> None:
    write_images(folders, 22)
    greys = []
    for split, each in (("train", 18), ("valid", 2), ("test", 2)):
        loaded = datasets.load("small_imagenet", split)
        assert loaded.classes == ("birds", "fish")
        assert loaded.shape == (37, 37)
        assert loaded.images.shape == (2 * each, 1369)
        assert loaded.labels.bincount().tolist() == [each, each]
        grey = (loaded.images[:, 0] * 255).round().int()
        assert torch.equal(loaded.labels == 1, grey >= 128)
        greys += grey.tolist()
    assert sorted(greys) == [*range(22), *range(128, 150)]


def test_small_imagenet_mixes_classes_and_depends_on_names_alone(folders: Path) -> None:
    root = write_images(folders, 22)
    first = datasets.load("small_imagenet", "train")
    assert (first.labels.diff() != 0).sum() > 5
    for path in sorted(root.rglob("*.png"), reverse=True):  # written anew in another order
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    (root / "birds" / ".hidden").write_bytes(b"not an image")
    (root / "readme.txt").write_text("not a class")
    second = datasets.load("small_imagenet", "train")
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)


def test_small_imagenet_gives_each_split_at_least_one_image_of_each_class(folders: Path) -> None:
    write_images(folders, 3)
    for split in datasets.SPLITS:
        assert datasets.load("small_imagenet", split).labels.sort().values.tolist() == [0, 1]


def test_small_imagenet_split_is_the_same_for_ever(folders: Path) -> None:
    write_images(folders)
    greys = {
        split: (datasets.load("small_imagenet", split).images[:, 0] * 255).round().int().tolist()
        for split in ("valid", "test")
    }
    assert greys == {"valid": [6, 132], "test": [10, 130]}


def one_image(folders: Path, image: Image.Image, name: str) -> NDArray[np.float32]:
    """Return an image as the loader sees it: the same in every file of a class."""
    root = folders / "small_imagenet"
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for i in range(3):
            image.save(root / label / f"{i}{name}")
    loaded = datasets.load("small_imagenet", "train")
    result: NDArray[np.float32] = loaded.images[0].reshape(37, 37).numpy()
    return result


def palette() -> Image.Image:
    image = Image.new("P", (50, 50), 1)
    image.putpalette([0, 0, 0, 90, 90, 90])
    return image


@pytest.mark.parametrize(
    ("image", "name", "grey"),
    [
        (Image.new("RGB", (64, 48), (255, 0, 0)), ".bmp", 76),  # 299/1000 of 255
        (Image.new("RGBA", (64, 48), (50, 50, 50, 9)), ".png", 50),
        (Image.new("CMYK", (64, 48), (0, 0, 0, 155)), ".tiff", 100),
        (palette(), ".gif", 90),
        (Image.new("L", (1, 1), 33), ".png", 33),
        (Image.new("L", (1000, 3), 44), ".png", 44),
        (Image.new("L", (1500, 1500), 55), ".jpeg", 55),
    ],
)
def test_small_imagenet_reads_any_mode_format_and_size(
    folders: Path, image: Image.Image, name: str, grey: int
) -> None:
    found = one_image(folders, image, name)
    np.testing.assert_allclose(found * 255, grey, atol=0.01)


def test_small_imagenet_keeps_the_square_at_the_centre_upright_and_averages(folders: Path) -> None:
    stripes = np.zeros((74, 174), np.uint8)  # margins of 50 left and right are cut off
    stripes[:, 50:124] = 100
    stripes[0:2, 50:124:2] = 200  # averages of 100 and 200 in the first small row
    stripes[:, 122:124] = 250
    found = one_image(folders, Image.fromarray(stripes), ".png") * 255
    np.testing.assert_allclose(found[0, :36], 150, atol=0.01)
    np.testing.assert_allclose(found[1:, :36], 100, atol=0.01)
    np.testing.assert_allclose(found[:, 36], 250, atol=0.01)


@pytest.mark.parametrize("content", [b"not an image", "half a png"])
def test_small_imagenet_names_the_file_that_is_no_image(
    folders: Path, content: bytes | str
) -> None:
    root = write_images(folders, 3)
    for path in root.glob("fish/*"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(DatasetDamaged, match=rf"^{root / 'fish'}/00\d\.png is damaged "):
        datasets.load("small_imagenet", "train")


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.float32, ".tiff"), (np.uint16, ".png")], ids=["F", "I;16"]
)
def test_small_imagenet_refuses_pixels_of_unknown_white(
    folders: Path, dtype: type, name: str
) -> None:
    image = Image.fromarray(np.full((40, 40), 0.5).astype(dtype))
    with pytest.raises(DatasetDamaged, match=r"mode is [IF].*, whose white level is unknown"):
        one_image(folders, image, name)


def test_small_imagenet_refuses_too_few_classes_and_images(folders: Path) -> None:
    root = write_images(folders, 3)
    sorted(root.glob("fish/*"))[2].unlink()
    with pytest.raises(DatasetDamaged, match=r"fish must hold at least 3 images, got 2$"):
        datasets.load("small_imagenet", "train")
    shutil.rmtree(root / "fish")
    with pytest.raises(DatasetDamaged, match=r"must hold a folder for each class, got 1$"):
        datasets.load("small_imagenet", "train")


# -------------------------------------------------------------------------------------- names


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"name must be one of digits, mnist.*mean 'mnist'"):
        datasets.load("minst", "train")
    with pytest.raises(ValueError, match=r"split must be one of train, valid, test.*mean 'valid'"):
        datasets.load("digits", "validation")
    with pytest.raises(ValueError, match="split must be one of"):
        datasets.stream("digits", "all", 0)


# ------------------------------------------------------------------------------------ streams


def counting(n: int, name: str = "counting") -> Dataset:
    """Return n one-pixel images; image i has the value i."""
    images = torch.arange(n, dtype=torch.float32)[:, None]
    return Dataset(images, torch.arange(n) % 3, (1, 1), ("a", "b", "c"), name, "train")


def values(stream: Stream, *sizes: int) -> list[int]:
    """What the images show, with labels that belong to them."""
    shown = []
    for n in sizes:
        images, labels = stream.batch(n)
        assert torch.equal(images[:, 0].long() % 3, labels)
        shown += images[:, 0].int().tolist()
    return shown


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 2**63 - 1),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
)
def test_sequence_does_not_depend_on_batch_sizes(n: int, seed: int, sizes: list[int]) -> None:
    dataset = counting(n)
    in_pieces = values(DatasetStream(dataset, seed), *sizes)
    assert in_pieces == values(DatasetStream(dataset, seed), sum(sizes))


@given(n=st.integers(1, 20), seed=st.integers(0, 2**63 - 1), size=st.integers(1, 50))
def test_each_pass_visits_every_image_once(n: int, seed: int, size: int) -> None:
    stream = DatasetStream(counting(n), seed)
    seen = values(stream, *([size] * math.ceil(4 * n / size)))
    for start in range(0, 4 * n, n):
        assert sorted(seen[start : start + n]) == list(range(n))


def test_passes_and_seeds_have_their_own_orders() -> None:
    n = 100
    seen = {}
    for seed in (0, 1, 2**32, 2**63 - 1):
        sequence = values(DatasetStream(counting(n), seed), 3 * n)
        for number in range(3):
            seen[seed, number] = tuple(sequence[number * n : (number + 1) * n])
    assert len(set(seen.values())) == len(seen)


def test_order_is_the_same_for_ever() -> None:
    assert values(DatasetStream(counting(10), 2010), 20) == [
        *(7, 6, 8, 2, 9, 4, 3, 0, 5, 1),
        *(8, 9, 0, 1, 7, 4, 3, 5, 6, 2),
    ]


@given(
    n=st.integers(1, 12),
    before=st.integers(1, 40),
    elsewhere=st.integers(1, 40),
)
def test_restore_goes_back_to_the_place(n: int, before: int, elsewhere: int) -> None:
    stream = DatasetStream(counting(n), 5)
    stream.batch(before)
    state = json.loads(json.dumps(stream.state()))
    expected = values(stream, 25)
    other = DatasetStream(counting(n), 5)
    other.batch(elsewhere)
    for restored in (stream, other):
        restored.restore(state)
        assert restored.state() == state
        assert values(restored, 25) == expected


OTHER_STATES: list[tuple[Callable[[dict[str, Any]], Any], type[Exception], str]] = [
    *(
        (lambda _, other=other: other.state(), ValueError, "must be one of this stream, such as")
        for other in (
            DatasetStream(counting(10), 6),
            DatasetStream(counting(11), 5),
            DatasetStream(counting(10, "else"), 5),
            DatasetStream(dataclasses.replace(counting(10), split="test"), 5),
        )
    ),
    (lambda _: {}, ValueError, "state"),
    (lambda state: {k: state[k] for k in state if k != "position"}, ValueError, "state"),
    (lambda state: state | {"extra": 1}, ValueError, "state"),
    (lambda state: state | {"stream": "shapeset"}, ValueError, "state"),
    (lambda state: state | {"position": -1}, ValueError, "state"),
    (lambda state: state | {"position": 1.5}, TypeError, "state"),
]


@pytest.mark.parametrize(("change", "error", "message"), OTHER_STATES)
def test_the_state_of_no_or_of_another_stream_is_refused(
    change: Callable[[dict[str, Any]], Any], error: type[Exception], message: str
) -> None:
    stream = DatasetStream(counting(10), 5)
    stream.batch(3)
    before = stream.state()
    with pytest.raises(error, match=message):
        stream.restore(change(before))
    assert stream.state() == before


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (0.5, TypeError)])
def test_what_is_no_seed_or_no_number_of_images_is_refused(
    value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"seed must be .*got"):
        datasets.stream("digits", "train", value)
    with pytest.raises(error, match=r"seed must be .*got"):
        DatasetStream(counting(10), value)
    stream = DatasetStream(counting(10), 5)
    with pytest.raises(error, match=r"n must be .*got"):
        stream.batch(value)
    assert stream.state()["position"] == 0


# ---------------------------------------------------------------------------- one's own Dataset


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": torch.zeros(4, 6).double()}, TypeError, "images must be .*float32"),
        ({"labels": torch.zeros(4)}, TypeError, "labels must be .*int64"),
        ({"images": torch.zeros(4, 2, 3)}, ValueError, r"images must .*\(4, 6\)"),
        ({"images": torch.zeros(4, 5)}, ValueError, r"images must .*got \(4, 5\)"),
        ({"labels": torch.zeros(3).long()}, ValueError, r"images must have shape \(3, 6\)"),
        (
            {"images": torch.zeros(0, 6), "labels": torch.zeros(0).long()},
            ValueError,
            "for each of at least one label",
        ),
        ({"labels": torch.full((4,), 2)}, ValueError, "labels must be from 0 to 1.*got 2 to 2"),
        ({"labels": torch.full((4,), -1)}, ValueError, "labels must be from 0 to 1.*got -1"),
    ],
)
def test_contradictory_dataset_is_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    sound = Dataset(torch.zeros(4, 6), torch.zeros(4).long(), (2, 3), ("a", "b"))
    with pytest.raises(error, match=message):
        dataclasses.replace(sound, **change)


def test_digits_are_the_same_where_their_file_is_not_found(tmp_path: Path) -> None:
    found = importlib.util.find_spec("sklearn")
    assert found is not None and found.origin is not None
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    kept = datasets._table(file)
    assert file.is_file()
    assert np.array_equal(kept, datasets._table(tmp_path / "none"))
