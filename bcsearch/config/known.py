"""The table of parameters that training understands, with what each may be. Imports errors and records."""

from __future__ import annotations

from dataclasses import dataclass

from bcsearch.errors import ConfigError, unknown

Value = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One known parameter: its names, or its range with both ends; no names and no range means any name."""

    kind: type[int] | type[float] | type[str]
    low: float = 0.0
    high: float = 0.0
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.kind is str:
            return ", ".join(self.names) or "a name"
        words = "a whole number" if self.kind is int else "a number"
        return f"{words} from {self.low:g} to {self.high:g}"


def _whole(low: int, high: int) -> Known:
    return Known(kind=int, low=low, high=high)


def _number(low: float, high: float) -> Known:
    return Known(kind=float, low=low, high=high)


def _name(*names: str) -> Known:
    return Known(kind=str, names=names)


KNOWN_PARAMS: dict[str, Known] = {
    "backbone": _name(),  # checked against the table of backbones when the study is made
    "image_size": _whole(32, 512),
    "unfreeze_fraction": _number(0.0, 1.0),
    "unfreeze_schedule": _name("none", "last_layers", "half_then_all", "gradual"),
    "unfreeze_layers": _whole(1, 1000),
    "unfreeze_every": _whole(1, 100),
    "backbone_rate": _number(1e-4, 1.0),
    "batch_norm": _name("frozen", "trained"),
    "augment": _name("none", "light", "medium", "strong"),
    "views": _whole(2, 64),
    "head_layers": _whole(0, 3),
    "units_1": _whole(2, 4096),
    "units_2": _whole(2, 4096),
    "units_3": _whole(2, 4096),
    "activation": _name("relu", "gelu", "silu", "elu", "tanh"),
    "dropout": _number(0.0, 0.9),
    "l2": _number(0.0, 0.1),
    "optimizer": _name("adam", "adamw", "sgd", "rmsprop", "lion"),
    "learning_rate": _number(1e-6, 1.0),
    "weight_decay": _number(0.0, 1.0),
    "momentum": _number(0.0, 0.999),
    "schedule": _name("constant", "cosine", "exponential", "plateau"),
    "class_weights": _name("none", "balanced"),
    "label_smoothing": _number(0.0, 0.5),
    "batch_size": _whole(8, 4096),
}


def check_value(name: str, value: Value) -> None:
    """Refuse a value that the parameter may not have.

    Raises:
        ConfigError: the name is unknown, or the value has a wrong type or lies outside the range.
    """
    if name not in KNOWN_PARAMS:
        raise ConfigError(unknown("parameter", name, KNOWN_PARAMS))
    known = KNOWN_PARAMS[name]
    if known.kind is str:
        if not isinstance(value, str):
            raise ConfigError(f"{name}: came {value!r}, allowed: {known.allowed}")
        if known.names and value not in known.names:
            raise ConfigError(f"{name}: {unknown('value', value, known.names)}")
        return
    fits = isinstance(value, int) if known.kind is int else isinstance(value, int | float)
    if isinstance(value, bool | str) or not fits or not known.low <= value <= known.high:
        raise ConfigError(f"{name}: came {value!r}, allowed: {known.allowed}")
