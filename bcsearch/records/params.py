"""The parameters of one trial, canonical: what cannot act is at its default. Imports the standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from json import dumps

UNITS_PARAMS = ("units_1", "units_2", "units_3")
MOMENTUM_OPTIMIZERS = ("sgd", "rmsprop")
DECAY_OPTIMIZERS = ("adamw", "lion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """One configuration. Ranges stand in ``bcsearch.config.known.KNOWN_PARAMS``."""

    backbone: str = "efficientnet_lite0"
    image_size: int = 96
    augment: str = "none"
    views: int = 4  # stored views a trial cycles through, the original among them; 1 without augmentation
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

    def canonical(self) -> Params:
        """Set every parameter that cannot act to its default, so that equal configurations compare equal."""
        idle = set(UNITS_PARAMS[self.head_layers :])
        if self.head_layers == 0:
            idle |= {"activation", "dropout"}
        if self.optimizer not in DECAY_OPTIMIZERS:
            idle.add("weight_decay")
        if self.optimizer not in MOMENTUM_OPTIMIZERS:
            idle.add("momentum")
        plain = replace(self, views=1) if self.augment == "none" else self
        defaults = Params()
        return replace(plain, **{name: getattr(defaults, name) for name in idle})

    def digest(self) -> str:
        """Return 16 hexadecimal digits that are equal for equal canonical configurations."""
        text = dumps(asdict(self.canonical()), sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()
