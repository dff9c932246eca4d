"""Published weights fetched from a server on this machine, with all that goes wrong there."""

from __future__ import annotations

import gc
from dataclasses import replace
from functools import partial
from hashlib import md5
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import pytest

from bcsearch.errors import WeightsError
from tests.server import Server

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.backbones.published import Published

CONTENT = b"weights " * 1000
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB, 0 to 1
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    made = Server(folder)
    monkeypatch.setenv("BCSEARCH_WEIGHTS_URL", made.url)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    yield made
    made.stop()


def published(content: bytes = CONTENT, file: str = "net_notop.h5") -> Published:
    from bcsearch.backbones.published import Published

    return Published(
        file=file, folder="https://nowhere.invalid/", known_hash=f"md5:{md5(content).hexdigest()}"
    )


def test_file_is_fetched_once_into_keras_own_folder(server: Server, tmp_path: Path) -> None:
    (server.folder / "net_notop.h5").write_bytes(CONTENT)
    path = published().fetch()
    assert path == tmp_path / "keras" / "models" / "net_notop.h5"
    assert path.read_bytes() == CONTENT
    assert published().fetch() == path
    assert server.asked.count("GET /net_notop.h5") == 1


def test_file_that_is_kept_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("BCSEARCH_WEIGHTS_URL", "http://127.0.0.1:9")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net_notop.h5").write_bytes(CONTENT)
    assert published().is_kept()
    assert published().fetch().read_bytes() == CONTENT


# pooch leaves the reply of a server that refuses to be closed by the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "404 Client Error"), (b"cut sho", "does not match the known hash")],
)
def test_what_cannot_be_fetched_whole_leaves_nothing_behind(
    content: bytes | None, said: str, server: Server, tmp_path: Path
) -> None:
    if content is not None:
        (server.folder / "net_notop.h5").write_bytes(content)
    with pytest.raises(WeightsError, match=said) as raised:
        published().fetch()
    assert "\n" not in str(raised.value)
    del raised
    gc.collect()
    models = tmp_path / "keras" / "models"
    assert [path.name for path in models.glob("*") if not path.name.endswith(".lock")] == []


def test_kept_file_that_is_damaged_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / "net_notop.h5").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"net_notop.h5 are damaged; remove the file"):
        published().fetch()


def test_server_that_does_not_answer_is_asked_once_and_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch import fetch as module

    asked: list[str] = []

    def counted(request: Any, timeout: float) -> Any:
        asked.append(request.full_url)
        return urlopen(request, timeout=timeout)

    monkeypatch.setattr(module, "urlopen", counted)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("BCSEARCH_WEIGHTS_URL", "http://127.0.0.1:9")
    module._silence.cache_clear()
    for file in ("one.h5", "two.h5"):
        with pytest.raises(
            WeightsError, match=r"fetch it on another machine and put it into .*models"
        ):
            replace(published(), file=file).fetch()
    assert asked == ["http://127.0.0.1:9/"]


def fetch(_: int) -> bytes:
    return published().fetch().read_bytes()


def test_two_processes_at_once_fetch_once(server: Server) -> None:
    (server.folder / "net_notop.h5").write_bytes(CONTENT)
    with get_context("spawn").Pool(2) as pool:
        assert pool.map(fetch, range(2), chunksize=1) == [CONTENT] * 2
    assert server.asked.count("GET /net_notop.h5") == 1


@pytest.mark.parametrize(
    "name",
    [
        "convnext_tiny",
        "efficientnet_b0",
        "efficientnetv2_b0",
        "efficientnetv2_s",
        "vgg19",
        "mobilenetv3_small",
        "resnet50v2",
    ],
)
def test_published_file_of_every_family_gives_what_keras_gives_with_it(
    name: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py
    import keras
    from keras.src.applications.convnext import LayerScale
    from keras.src.legacy.saving import legacy_h5_format

    from bcsearch.backbones import applications, table
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    row = table.BACKBONES[name]
    assert isinstance(row.stock, partial)
    assert row.pretrained is not None
    keras.utils.set_random_seed(3)
    _, variant = row.stock.args
    theirs = getattr(keras.applications, variant.make)(
        include_top=False, weights=None, input_shape=(64, 64, 3), pooling="avg"
    )
    for layer in theirs.layers:
        if (
            layer.name == "normalization" and layer.weights
        ):  # EfficientNet's is filled by its published file
            layer.set_weights(
                [
                    np.array(IMAGENET_MEAN),
                    np.square(IMAGENET_DEVIATION),
                    np.array(0),
                ]
            )
        if isinstance(
            layer, LayerScale
        ):  # Keras starts it at 1e-6, which would hide all that a block does
            layer.set_weights([np.random.default_rng(1).uniform(0.5, 1.0, layer.gamma.shape)])
    file: Published = row.pretrained.fetch.__self__  # type: ignore[attr-defined]  # a method
    path = server.folder / file.file
    with h5py.File(path, "w") as content:
        legacy_h5_format.save_weights_to_hdf5_group(content, theirs)
    file = replace(file, known_hash=f"md5:{md5(path.read_bytes()).hexdigest()}")
    served = applications.published_row(name, row.natural_size, row.stock, file)
    monkeypatch.setitem(table.BACKBONES, name, served)

    weights = resolve_weights(name, "auto")
    assert (weights.kind, weights.warning) == ("imagenet", None)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    found = load_backbone(name, 64, weights, seed=0)(images, training=False)
    np.testing.assert_allclose(
        found, theirs(prepared(name, images), training=False), rtol=1e-4, atol=1e-4
    )


def prepared(name: str, images: np.ndarray) -> np.ndarray:
    """Do to pixels what Keras leaves to the user, or does in its published graph alone."""
    import keras

    if name == "efficientnet_b0":
        # (x / 255 - mean) / deviation, once more over the deviation's root, undone below
        mean, root = 255 * np.array(IMAGENET_MEAN), np.sqrt(IMAGENET_DEVIATION)
        return np.asarray(mean + (images - mean) / root, np.float32)
    functions = {"vgg19": keras.applications.vgg19, "resnet50v2": keras.applications.resnet_v2}
    if name not in functions:
        return images
    return np.asarray(functions[name].preprocess_input(images.copy()))
