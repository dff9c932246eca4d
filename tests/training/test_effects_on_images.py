"""Parameters of views, networks and what of them is trained change training in the way they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import Sweep, Training
from bcsearch.data import Dataset
from bcsearch.data.folds import make_folds
from bcsearch.records.checkpoint import NoCheckpoints
from tests.training.effect import Effect

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.trainer import Trainer

N, SIDE, CLASSES, EPOCHS, RATE = 24, 32, 3, 6, 1e-3
SWEEP = Sweep(space="cells", training=Training(epochs=EPOCHS, patience=EPOCHS))
LABELS = np.arange(N) % CLASSES
FIXED: dict[str, Any] = {
    "backbone": "four_blocks", "image_size": SIDE, "units_1": 8, "dropout": 0.0, "batch_size": 8,
    "backbone_rate": 1.0, "unfreeze_every": 1,
}  # fmt: skip
UNFROZEN = {"unfreeze_fraction": 1.0}


def discs() -> np.ndarray:
    """Return dark discs of unlike sizes on bright grounds under unlike lamps, as pixels."""
    random = np.random.default_rng(0)
    far = np.hypot(*np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j])
    lamps = random.uniform(0.6, 1.0, (N, 1, 1, 3))
    inside = (far < (0.3 + 0.2 * LABELS)[:, None, None])[..., None]
    colours = np.where(inside, [120.0, 60.0, 150.0], [235.0, 225.0, 230.0])
    noise = random.normal(0.0, 8.0, colours.shape)
    return np.clip(colours * lamps + noise, 0, 255).astype(np.uint8)


def four_blocks(image_size: int) -> keras.Model:
    """Build four blocks of a convolution and a batch-norm layer each."""
    import keras
    from keras import layers

    image = keras.Input((image_size, image_size, 3))
    x = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    for block, filters in enumerate((8, 8, 16, 16)):
        conv = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"conv{block}")
        x = layers.BatchNormalization(name=f"norm{block}")(conv(x))
        x = layers.ReLU(name=f"relu{block}")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="mean")(x), name="four_blocks")


def flat(image_size: int) -> keras.Model:
    """Build one convolution whose features are as many as it has places."""
    import keras
    from keras import layers

    image = keras.Input((image_size, image_size, 3))
    x = layers.Conv2D(2, 3, 4, padding="same", name="conv")(image)
    return keras.Model(image, layers.Flatten(name="flatten")(x), name="flat")


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    from bcsearch.backbones.backbone import Backbone
    from bcsearch.backbones.table import BACKBONES
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store
    from bcsearch.scores.table import chosen_scores
    from bcsearch.training.trainer import Trainer

    rows = [
        Backbone(name=build.__name__, build=build, natural_size=SIDE)
        for build in (four_blocks, flat)
    ]
    with pytest.MonkeyPatch.context() as patch:
        for row in rows:
            patch.setitem(BACKBONES, row.name, row)
        dataset = Dataset(images=discs(), labels=LABELS, class_names=("a", "b", "c"))
        features = Features(
            images=dataset.images,
            store=Store(tmp_path_factory.mktemp("cache")),
            weights={row.name: resolve_weights(row.name, "random") for row in rows},
        )
        folds = make_folds(dataset, n_folds=2)
        yield Trainer(dataset, folds, features, SWEEP, chosen_scores(SWEEP.search))


def pixels(params: Params, trainer: Trainer) -> np.ndarray:
    """Return what a trial is shown, the clean view first, (n_views, N, SIDE, SIDE, 3)."""
    views = trainer.scored_views(params)
    network = (params.backbone, params.image_size)
    shown = [trainer.features.activations(*network, "input", view) for view in views]
    return np.stack(shown).astype(np.float32)


def likeness_of_colours(params: Params, trainer: Trainer) -> float:
    """Return how little the shares of red, green and blue differ between images."""
    colours = pixels(params, trainer)[0].mean(axis=(1, 2))
    return -float((colours / colours.sum(axis=1, keepdims=True)).std(axis=0).mean())


def likeness_of_corners(params: Params, trainer: Trainer) -> float:
    return -float(pixels(params, trainer)[0, :, :3, :3].std())


def kept_pixels(params: Params, trainer: Trainer) -> float:
    plain = pixels(params.but(preprocess="none"), trainer)
    return float((pixels(params, trainer) == plain).all(axis=-1).mean())


def change_of_copies(params: Params, trainer: Trainer) -> float:
    clean, *copies = pixels(params, trainer)
    return float(np.mean([0.0, *(np.abs(copy - clean).mean() for copy in copies)]))


def number_of_unlike_epochs(params: Params, trainer: Trainer) -> float:
    """Return how many different losses the epochs of a head have that hardly learns."""
    result = trainer(params, lambda epoch, score: False, NoCheckpoints())
    losses = np.sort([epoch.train_loss for epoch in result.epochs])
    return 1.0 + float((np.diff(losses) > 1e-4).sum())


def by_epoch(params: Params, trainer: Trainer) -> Iterator[FoldWeights]:
    """Train epoch by epoch; yield the weights of the first fold after each."""
    folds = trainer.fold_models(params, [], lambda: None).trainer
    for epoch in range(EPOCHS):
        folds.train_epoch(epoch, RATE)
        yield folds.weights()[0]


def number_of_features(params: Params, trainer: Trainer) -> float:
    return float(len(next(by_epoch(params, trainer)).kernels[0]))


def mean_of_features(params: Params, trainer: Trainer) -> float:
    return float(next(by_epoch(params, trainer)).scaling.mean.mean())


def movements(params: Params, trainer: Trainer) -> Iterator[dict[str, float]]:
    """Yield after each epoch how far the trained layers of the backbone are from its own."""
    backbone = trainer.features.backbone(params.backbone, params.image_size)
    for weights in by_epoch(params, trainer):
        moved = {}
        for name, values in weights.layers.items():
            pairs = zip(values, backbone.get_layer(name).get_weights(), strict=True)
            moved[name] = float(np.mean([np.abs(now - before).mean() for now, before in pairs]))
        yield moved


def numbers_of_moving_layers(params: Params, trainer: Trainer) -> list[int]:
    """Return for each epoch how many layers of the backbone have moved."""
    return [sum(far > 0 for far in moved.values()) for moved in movements(params, trainer)]


def most_moving_layers(params: Params, trainer: Trainer) -> float:
    return float(max(numbers_of_moving_layers(params, trainer)))


def number_of_stages(params: Params, trainer: Trainer) -> float:
    """Return how many different parts of the backbone are trained, one after the other."""
    return float(len(set(numbers_of_moving_layers(params, trainer))))


def epochs_without_movement(params: Params, trainer: Trainer) -> float:
    return float(numbers_of_moving_layers(params, trainer).count(0))


def movement(params: Params, trainer: Trainer) -> float:
    return sum(next(movements(params, trainer)).values())


def movement_of_batch_norm(params: Params, trainer: Trainer) -> float:
    moved = next(movements(params, trainer))
    return sum(moved[name] for name in moved if name.startswith("norm"))


def movement_near_the_head(params: Params, trainer: Trainer) -> float:
    """Return how much more the last convolution moves than the first one."""
    moved = next(movements(params, trainer))
    return moved["conv3"] / moved["conv0"]


HARDLY_LEARNS = {
    "augment": "light", "optimizer": "sgd", "momentum": 0.0, "learning_rate": 1e-6,
    "batch_size": N, "schedule": "constant",
}  # fmt: skip
EFFECTS_ON_IMAGES = [
    *(
        Effect("preprocess", ["none", name], likeness_of_colours, {})
        for name in (
            "grayscale", "green", "two_point", "reinhard",
            "background_white", "gray_world", "standardize",
        )
    ),
    Effect("preprocess", ["none", "circle"], likeness_of_corners, {}),
    Effect("circle_radius", [0.3, 0.6, 1.2], kept_pixels, {"preprocess": "circle"}),
    Effect("augment", ["none", "light", "medium", "strong", "full"], change_of_copies, {}),
    *(
        Effect("augment", ["none", name], change_of_copies, {})
        for name in (
            "geometric", "colour", "stain", "randaugment", "augmix", "trivial", "varied",
        )
    ),
    Effect("augment_strength", [0.0, 0.5, 1.0], change_of_copies, {"augment": "medium"}),
    Effect("views", [2, 3, 5], number_of_unlike_epochs, HARDLY_LEARNS),
    Effect("backbone", ["four_blocks", "flat"], number_of_features, {}),
    Effect("image_size", [32, 48, 64], number_of_features, {"backbone": "flat"}),
    Effect("pooling", ["average", "max"], mean_of_features, {}),
    Effect("pooling", ["max", "both"], number_of_features, {}),
    Effect("unfreeze_fraction", [0.0, 0.5, 0.8, 1.0], most_moving_layers, {}),
    Effect(
        "unfreeze_schedule", ["none", "last_layers", "half_then_all", "gradual"],
        number_of_stages, UNFROZEN,
    ),
    Effect(
        "unfreeze_layers", [2, 4, 8], most_moving_layers,
        {"unfreeze_schedule": "last_layers"},
    ),
    Effect(
        "unfreeze_every", [1, 2, 4], epochs_without_movement,
        {**UNFROZEN, "unfreeze_schedule": "gradual"},
    ),
    Effect("batch_norm", ["frozen", "trained"], movement_of_batch_norm, UNFROZEN),
    Effect("backbone_rate", [0.01, 0.1, 1.0], movement, UNFROZEN),
    Effect("layer_decay", [1.0, 0.8, 0.4], movement_near_the_head, UNFROZEN),
]  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS_ON_IMAGES, ids=lambda effect: effect.name)
def test_parameter_changes_training_in_the_way_that_it_says(
    effect: Effect, trainer: Trainer
) -> None:
    given = effect.configurations(FIXED)
    effect.check([trainer.canonical(each) for each in given], trainer)
