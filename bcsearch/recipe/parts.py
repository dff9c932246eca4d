"""The table of searchable parameters: what each one is, what it may be and when it acts.

Whoever adds a parameter adds a row. The order of the rows is the order in which parameters are
shown. Names that stand for a row of another table (losses, operations, optimizers and so on) are
listed here too, so that a wrong name is refused before TensorFlow is loaded; a test keeps both
lists equal. A package adds names of its own by an entry point.
"""

from __future__ import annotations

from bcsearch.errors import ConfigError
from bcsearch.recipe import conditions
from bcsearch.recipe.part import Names, Part, Range, Value, Where
from bcsearch.recipe.synonyms import unknown


def _head_layer(number: int) -> tuple[Part, ...]:
    """Return the parameters of one hidden dense layer, counted from 1."""
    place = {1: "first", 2: "second", 3: "third"}[number]
    return (
        Part(
            name=f"units_{number}",
            domain=Range(int, 2, 4096),
            default={1: 256, 2: 128, 3: 64}[number],
            where=Where.HEAD,
            acts=conditions.has_layers(number),
            doc=f"Width of the {place} hidden layer.",
        ),
        Part(
            name=f"activation_{number}",
            domain=_ACTIVATION_NAMES,
            default="relu",
            where=Where.HEAD,
            acts=conditions.has_layers(number),
            traced=True,
            doc=f"Activation of the {place} hidden layer.",
        ),
        Part(
            name=f"dropout_{number}",
            domain=Range(float, 0.0, 0.9),
            default=0.2,
            where=Where.HEAD,
            acts=conditions.has_layers(number),
            traced=True,
            doc=f"Share of units dropped behind the {place} hidden layer.",
        ),
    )


_POLICY_NAMES = Names(
    (
        "none", "light", "medium", "strong", "geometric", "colour", "stain",
        "randaugment", "augmix", "trivial", "full", "varied",
    ),
    group="bcsearch.augmentation",
)  # fmt: skip
_ACTIVATION_NAMES = Names(("relu", "gelu", "silu", "elu", "tanh"))

PARTS: tuple[Part, ...] = (
    Part(
        name="preprocess",
        domain=Names(
            (
                *("none", "grayscale", "green", "circle", "two_point", "reinhard"),
                *("background_white", "gray_world", "standardize"),
            ),
            group="bcsearch.preprocessing",
            joined=True,
        ),
        default="none",
        where=Where.VIEW,
        doc="Operations that every image goes through in this order, in training and in use.",
    ),
    Part(
        name="circle_radius",
        domain=Range(float, 0.1, 1.5),
        default=0.8,
        where=Where.VIEW,
        acts=conditions.joins("preprocess", "circle"),
        doc="Radius of the circle that is kept, in halves of the image's shorter side.",
    ),
    Part(
        name="augment",
        domain=_POLICY_NAMES,
        default="none",
        where=Where.VIEW,
        doc="How the copies of the images are changed at random.",
    ),
    Part(
        name="augment_strength",
        domain=Range(float, 0.0, 1.0, step=0.1),
        default=0.5,
        where=Where.VIEW,
        acts=conditions.is_not("augment", "none"),
        doc="How much: 1 doubles the ranges of a policy at 0.5, 0 leaves flips and rotation alone.",
    ),
    Part(
        name="views",
        domain=Range(int, 2, 64),
        default=4,
        where=Where.VIEW,
        acts=conditions.is_not("augment", "none"),
        doc=(
            "Stored views that a trial cycles through, the original among them; does not act where "
            "`[views] mode` is `online`."
        ),
    ),
    Part(
        name="backbone",
        domain=Names(),
        default="efficientnet_lite0",
        where=Where.NETWORK,
        doc="The pretrained network; `bcsearch backbones` lists them.",
    ),
    Part(
        name="image_size",
        domain=Range(int, 32, 512),
        default=96,
        where=Where.NETWORK,
        doc="Height and width of the images that the backbone is given, in pixels.",
    ),
    Part(
        name="unfreeze_fraction",
        domain=Range(float, 0.0, 1.0),
        default=0.0,
        where=Where.NETWORK,
        acts=conditions.is_one_of("unfreeze_schedule", "none", "half_then_all", "gradual"),
        doc="Share of the backbone's parameters that is trained, from its end.",
    ),
    Part(
        name="unfreeze_schedule",
        domain=Names(("none", "last_layers", "half_then_all", "gradual")),
        default="none",
        where=Where.NETWORK,
        acts=conditions.UNFREEZES,
        doc=(
            "`none` trains that share from the first epoch, the others train the head alone first: "
            "`half_then_all` then half of the share and all of it, `gradual` up to four steps "
            "block by block, `last_layers` the last layers whatever the share."
        ),
    ),
    Part(
        name="unfreeze_layers",
        domain=Range(int, 1, 1000),
        default=10,
        where=Where.NETWORK,
        acts=conditions.unfreezes_by("last_layers"),
        doc="How many layers with weights `last_layers` trains, from the end.",
    ),
    Part(
        name="unfreeze_every",
        domain=Range(int, 1, 100),
        default=3,
        where=Where.NETWORK,
        acts=conditions.unfreezes_by("last_layers", "half_then_all", "gradual"),
        doc="Epochs of the head alone, and between one step of unfreezing and the next.",
    ),
    Part(
        name="batch_norm",
        domain=Names(("frozen", "trained")),
        default="frozen",
        where=Where.NETWORK,
        acts=conditions.UNFREEZES,
        doc="Whether batch-norm layers of what is unfrozen are trained too.",
    ),
    Part(
        name="pooling",
        domain=Names(("average", "max", "both")),
        default="average",
        where=Where.NETWORK,
        doc=(
            "What is made of the backbone's last activations: their average over places, their "
            "maximum, or both side by side; `custom` has features of its own."
        ),
    ),
    Part(
        name="head_layers",
        domain=Range(int, 0, 3),
        default=1,
        where=Where.HEAD,
        traced=True,
        doc="Hidden dense layers before the output layer; 0 is a linear model on the features.",
    ),
    *_head_layer(1),
    *_head_layer(2),
    *_head_layer(3),
    Part(
        name="head_norm",
        domain=Names(("none", "batch", "layer")),
        default="none",
        where=Where.HEAD,
        acts=conditions.has_layers(1),
        traced=True,
        doc=(
            "What hidden layers are normalised by before their activation: each unit over the "
            "batch, or each image over the units."
        ),
    ),
    Part(
        name="dropout_0",
        domain=Range(float, 0.0, 0.9),
        default=0.0,
        where=Where.HEAD,
        traced=True,
        doc="Share of features dropped before the first layer.",
    ),
    Part(
        name="activation",
        domain=_ACTIVATION_NAMES,
        default="relu",
        where=Where.HEAD,
        sets=("activation_1", "activation_2", "activation_3"),
        doc="Short form: the activation of every hidden layer that has none of its own.",
    ),
    Part(
        name="dropout",
        domain=Range(float, 0.0, 0.9),
        default=0.2,
        where=Where.HEAD,
        sets=("dropout_0", "dropout_1", "dropout_2", "dropout_3"),
        doc="Short form: the dropout of every place that has none of its own.",
    ),
    Part(
        name="l2",
        domain=Range(float, 0.0, 0.1),
        default=0.0,
        where=Where.HEAD,
        traced=True,
        doc="Weight of the squared kernels of the head in the loss.",
    ),
    Part(
        name="loss",
        domain=Names(("cross_entropy", "focal", "triplet"), group="bcsearch.losses"),
        default="cross_entropy",
        where=Where.LOSS,
        acts=conditions.all_but_on_embeddings("loss", "triplet"),
        traced=True,
        doc=(
            "`focal` is cross-entropy that counts what is predicted well little; `triplet` adds a "
            "loss on distances between embeddings to the cross-entropy."
        ),
    ),
    Part(
        name="focal_gamma",
        domain=Range(float, 0.0, 10.0),
        default=2.0,
        where=Where.LOSS,
        acts=conditions.is_one_of("loss", "focal"),
        doc="How little of the focal loss is left where a class is predicted well; 0 is all of it.",
    ),
    Part(
        name="triplet_weight",
        domain=Range(float, 0.0, 10.0),
        default=0.5,
        where=Where.LOSS,
        acts=conditions.is_one_of("loss", "triplet"),
        doc="Weight of the triplet loss beside the cross-entropy.",
    ),
    Part(
        name="triplet_margin",
        domain=Range(float, 0.0, 2.0),
        default=0.2,
        where=Where.LOSS,
        acts=conditions.is_one_of("loss", "triplet"),
        doc="How much farther another class should lie than the same one, in squared distance.",
    ),
    Part(
        name="mix",
        domain=Names(("none", "mixup", "cutmix", "cutmix_or_mixup"), group="bcsearch.mixes"),
        default="none",
        where=Where.LOSS,
        traced=True,
        doc=(
            "Trains on mixtures of two images and their labels: `mixup` on weighted means of their "
            "features, `cutmix` on one with a part of the other; of the images themselves where "
            "`[views] mode` is `online`."
        ),
    ),
    Part(
        name="mix_probability",
        domain=Range(float, 0.0, 1.0),
        default=1.0,
        where=Where.LOSS,
        acts=conditions.is_not("mix", "none"),
        doc="Chance that an image of a batch is mixed with another.",
    ),
    Part(
        name="mix_alpha",
        domain=Range(float, 0.01, 10.0),
        default=0.2,
        where=Where.LOSS,
        acts=conditions.is_not("mix", "none"),
        doc="How evenly two images are mixed: weights are drawn from Beta(alpha, alpha).",
    ),
    Part(
        name="class_weights",
        domain=Names(("none", "balanced", "effective", "confusion")),
        default="none",
        where=Where.LOSS,
        acts=conditions.is_one_of("sampling", "natural"),
        doc=(
            "`balanced` lets every class count alike in the loss, however few images it has; "
            "`effective` by its effective number of images; `confusion` raises those of which a "
            "linear head on frozen features misses more than of others."
        ),
    ),
    Part(
        name="class_weight_strength",
        domain=Range(float, 0.0, 1.0),
        default=1.0,
        where=Where.LOSS,
        acts=conditions.is_not("class_weights", "none"),
        doc="How far class weights go from 1 for all classes (0) to those of their kind (1).",
    ),
    Part(
        name="class_weight_beta",
        domain=Range(float, 0.0, 0.9999),
        default=0.999,
        where=Where.LOSS,
        acts=conditions.is_one_of("class_weights", "effective"),
        doc="Beta of the effective number of images: 0 is as `none`, near 1 as `balanced`.",
    ),
    Part(
        name="label_smoothing",
        domain=Range(float, 0.0, 0.5),
        default=0.0,
        where=Where.LOSS,
        doc="Share of every label that is spread evenly over all classes.",
    ),
    Part(
        name="optimizer",
        domain=Names(("adam", "adamw", "sgd", "rmsprop", "lion"), group="bcsearch.optimizers"),
        default="adam",
        where=Where.UPDATE,
        traced=True,
        doc="The rule by which weights are updated.",
    ),
    Part(
        name="learning_rate",
        domain=Range(float, 1e-6, 1.0),
        default=1e-3,
        where=Where.UPDATE,
        doc="The highest learning rate: the first one, or that at the end of a rise.",
    ),
    Part(
        name="backbone_rate",
        domain=Range(float, 1e-4, 1.0),
        default=0.1,
        where=Where.UPDATE,
        acts=conditions.UNFREEZES,
        doc="Learning rate of what is unfrozen, as a share of the head's.",
    ),
    Part(
        name="layer_decay",
        domain=Range(float, 0.1, 1.0),
        default=1.0,
        where=Where.UPDATE,
        acts=conditions.UNFREEZES,
        doc="Learning rate of each unfrozen layer, as a share of that of the layer above it.",
    ),
    Part(
        name="weight_decay",
        domain=Range(float, 0.0, 1.0),
        default=1e-4,
        where=Where.UPDATE,
        acts=conditions.is_not("optimizer", "adam", "sgd", "rmsprop"),
        doc="Decoupled weight decay.",
    ),
    Part(
        name="momentum",
        domain=Range(float, 0.0, 0.999),
        default=0.9,
        where=Where.UPDATE,
        acts=conditions.is_not("optimizer", "adam", "adamw", "lion"),
        doc="Momentum of the updates.",
    ),
    Part(
        name="batch_size",
        domain=Range(int, 8, 4096),
        default=128,
        where=Where.UPDATE,
        doc="Images in a training batch of one fold.",
    ),
    Part(
        name="sampling",
        domain=Names(("natural", "balanced", "second_stage")),
        default="natural",
        where=Where.UPDATE,
        doc=(
            "`balanced` draws every class alike in an epoch, rare images several times in other "
            "views; `second_stage` does so in the last quarter of the epochs, for the head alone."
        ),
    ),
    Part(
        name="schedule",
        domain=Names(("constant", "cosine", "exponential", "plateau", "one_cycle", "step")),
        default="cosine",
        where=Where.SCHEDULE,
        doc=(
            "How the learning rate falls from epoch to epoch; `one_cycle` rises for three tenths "
            "of them first, `step` is a tenth after one half of them and after three quarters."
        ),
    ),
    Part(
        name="warmup_epochs",
        domain=Range(int, 0, 100),
        default=0,
        where=Where.SCHEDULE,
        acts=conditions.is_not("schedule", "one_cycle"),
        doc="Epochs in which the learning rate rises evenly, before the schedule begins.",
    ),
)

BY_NAME = {part.name: part for part in PARTS}


def check_value(name: str, value: Value) -> None:
    """Refuse a value that the parameter may not have.

    Raises:
        ConfigError: the name is unknown, or the value has a wrong type, is unknown or lies outside
            the range.
    """
    if name not in BY_NAME:
        raise ConfigError(unknown("parameter", name, BY_NAME))
    complaint = BY_NAME[name].domain.complaint(value)
    if complaint:
        raise ConfigError(f"{name}: {complaint}")
