"""The parameters of one trial, canonical: what cannot act is at its default. Imports the standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from json import dumps

UNITS_PARAMS = ("units_1", "units_2", "units_3")
MOMENTUM_OPTIMIZERS = ("sgd", "rmsprop")
DECAY_OPTIMIZERS = ("adamw", "lion")
UNFREEZE_PARAMS = (
    "unfreeze_fraction",
    "unfreeze_schedule",
    "unfreeze_layers",
    "unfreeze_every",
    "backbone_rate",
    "batch_norm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """One configuration. Ranges stand in ``bcsearch.config.known.KNOWN_PARAMS``."""

    backbone: str = "efficientnet_lite0"
    image_size: int = 96
    unfreeze_fraction: float = (
        0.0  # share of the backbone's parameters that is trained, from its end
    )
    unfreeze_schedule: str = (
        "none"  # none trains them from the first epoch, the others after the head
    )
    unfreeze_layers: int = (
        10  # last_layers only: layers with weights, from the end, instead of a fraction
    )
    unfreeze_every: int = (
        3  # epochs of the head alone, and between one step of unfreezing and the next
    )
    backbone_rate: float = 0.1  # learning rate of what is unfrozen, as a share of the head's
    batch_norm: str = "frozen"  # whether batch-norm layers of what is unfrozen learn too
    augment: str = "none"
    views: int = (
        4  # stored views a trial cycles through, the original among them; 1 without augmentation
    )
    head_layers: int = 1  # hidden dense layers before the output layer
    units_1: int = 256
    units_2: int = 128
    units_3: int = 64
    activation: str = "relu"
    dropout: float = 0.2
    l2: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4  # decoupled: adamw and lion only
    momentum: float = 0.9  # sgd and rmsprop only
    schedule: str = "cosine"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    batch_size: int = 128

    @property
    def units(self) -> tuple[int, ...]:
        """Widths of the hidden dense layers, from the features on."""
        return (self.units_1, self.units_2, self.units_3)[: self.head_layers]

    @property
    def unfreezes(self) -> bool:
        """Whether any of the backbone is trained."""
        return self.unfreeze_fraction > 0 or self.unfreeze_schedule == "last_layers"

    def canonical(self) -> Params:
        """Set every parameter that cannot act to its default, so that equal configurations compare equal."""
        idle = set(UNITS_PARAMS[self.head_layers :])
        if self.head_layers == 0:
            idle |= {"activation", "dropout"}
        if self.optimizer not in DECAY_OPTIMIZERS:
            idle.add("weight_decay")
        if self.optimizer not in MOMENTUM_OPTIMIZERS:
            idle.add("momentum")
        idle |= set(self._idle_unfreezing())
        plain = replace(self, views=1) if self.augment == "none" else self
        defaults = Params()
        return replace(plain, **{name: getattr(defaults, name) for name in idle})

    def _idle_unfreezing(self) -> tuple[str, ...]:
        if not self.unfreezes:
            return UNFREEZE_PARAMS
        return {
            "none": ("unfreeze_layers", "unfreeze_every"),
            "last_layers": ("unfreeze_fraction",),
        }.get(self.unfreeze_schedule, ("unfreeze_layers",))

    def digest(self) -> str:
        """Return 16 hexadecimal digits that are equal for equal canonical configurations."""
        text = dumps(asdict(self.canonical()), sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()
