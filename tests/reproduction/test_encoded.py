"""Images through JPEG: what it loses, and that points train and test on what is left."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glorot2010 import points
from glorot2010.encoded import encoded
from glorot2010.points import Replica, TrainingPoint
from xavier import datasets
from xavier.shapeset import Shapeset


def test_an_image_comes_back_as_a_reader_of_the_file_would_see_it() -> None:
    images = (Shapeset(0).batch(3)[0] + 1) / 2
    out = encoded(images, (32, 32))
    for image, found in zip(images, out, strict=True):
        levels = np.round(image.numpy() * 255).astype(np.uint8).reshape(32, 32)
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=75)
        np.testing.assert_allclose(found, np.asarray(Image.open(file)).ravel() / 255, atol=1e-6)
    change = (out - images).abs()
    assert 0.005 < float(change.mean()) < 0.05  # it is not the same, and not another image
    assert torch.equal(encoded(images[1:2], (32, 32)), out[1:2])  # each by itself


def test_a_point_trains_and_tests_on_encoded_images(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = {split: datasets.load("digits", split) for split in ("train", "valid", "test")}
    monkeypatch.setattr(datasets, "load", lambda name, split: {"mnist": digits}[name][split])
    found, _ = points.examples("mnist_jpeg", "test", 400, "cpu")
    assert torch.equal(found, encoded(digits["test"].images, (8, 8)))
    whole: Any = points._streams("mnist_jpeg", [1], "cpu")[1]
    assert whole.dataset.name == "mnist_jpeg"
    assert not torch.equal(whole.dataset.images, digits["train"].images)
    replica = Replica("a", 0, "standard", 1.0, 0.1)
    point = TrainingPoint(
        activation="tanh", hidden=(5,), data="mnist_jpeg", replicas=(replica,), updates=4,
        every=2, test_images=30, curve_images=30,
    )  # fmt: skip
    assert set(point.compute()["update"]) == {0, 2, 4}
