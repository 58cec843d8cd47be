"""Images through JPEG: what it loses, and that points train and test on what is left."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glorot2010 import encoded, points
from glorot2010.encoded import EncodedStream
from glorot2010.points import TEST_SEED, Replica, TrainingPoint
from xavier import datasets
from xavier.shapeset import Shapeset

GREY = (32, 32), (-1.0, 1.0)


def test_an_image_comes_back_as_a_reader_of_the_file_would_see_it() -> None:
    images, _ = Shapeset(0).batch(3)
    out = encoded.encoded(images, *GREY)
    for image, found in zip(images, out, strict=True):
        levels = np.round((image.numpy() + 1) * 127.5).astype(np.uint8).reshape(32, 32)
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=75)
        seen = np.asarray(Image.open(file)).ravel() / 127.5 - 1
        np.testing.assert_allclose(found, seen, atol=1e-6)
    change = (out - images).abs()
    assert 0.01 < float(change.mean()) < 0.1  # it is not the same, and not another image
    assert torch.equal(encoded.encoded(images[1:2], *GREY), out[1:2])  # each by itself


def test_a_stream_goes_on_where_it_stood() -> None:
    stream = EncodedStream(Shapeset(3), *GREY)
    first, labels = stream.batch(5)
    images, plain = Shapeset(3).batch(5)
    assert torch.equal(first, encoded.encoded(images, *GREY)) and torch.equal(labels, plain)
    state = stream.state()
    later, _ = stream.batch(4)
    other = EncodedStream(Shapeset(3), *GREY)
    other.restore(state)
    assert torch.equal(other.batch(4)[0], later)
    with pytest.raises(ValueError, match="encoded at quality 75"):
        other.restore(Shapeset(3).state())


def test_a_point_trains_and_tests_on_encoded_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = points._examples("shapeset_jpeg", "test", 20, "cpu")
    plain, same = Shapeset(TEST_SEED).batch(20)
    assert torch.equal(images, encoded.encoded(plain, *GREY)) and torch.equal(labels, same)
    stream = points._streams("shapeset_jpeg", [4], "cpu")[4]
    assert torch.equal(stream.batch(3)[0], encoded.encoded(Shapeset(4).batch(3)[0], *GREY))
    digits = {split: datasets.load("digits", split) for split in ("train", "test")}
    monkeypatch.setattr(datasets, "load", lambda name, split: {"mnist": digits}[name][split])
    found, _ = points._examples("mnist_jpeg", "test", 400, "cpu")
    assert torch.equal(found, encoded.encoded(digits["test"].images, (8, 8), (0.0, 1.0)))
    whole: Any = points._streams("mnist_jpeg", [1], "cpu")[1]
    assert whole.dataset.name == "mnist_jpeg" and not torch.equal(
        whole.dataset.images, digits["train"].images
    )
    replica = Replica("a", 0, "standard", 1.0, 0.1)
    point = TrainingPoint(
        activation="tanh", hidden=(5,), data="shapeset_jpeg", replicas=(replica,), updates=4,
        every=2, test_images=30, curve_images=30,
    )  # fmt: skip
    assert set(point.compute()["update"]) == {0, 2, 4}
