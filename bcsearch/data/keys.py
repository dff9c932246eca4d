"""The table of keys under which people store images and labels, and which of them are meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bcsearch.data.naming import some_of
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.config.sweep import Reading

NAMES = {  # what arrays, and columns of tables, are called
    "images": ("data", "images", "image", "imgs", "img", "x", "arr_0"),
    "labels": ("labels", "label", "y", "targets", "target", "arr_1"),
}
GROUPS = (
    *("groups", "group", "group_id", "patient", "patients", "patient_id", "subject", "subject_id"),
    *("slide", "slide_id", "day", "lesion_id"),
)  # what must not stand on both sides of a fold
CLASS_NAMES = ("class_names", "target_names", "label_names")
PARTS = {  # a split's parts, by what they are called in keys, folders and columns
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
CHOICE = "say which with --images-key and --labels-key"


@dataclass(frozen=True, slots=True)
class Role:
    """What a key stands for: ``images`` or ``labels``, of one part or of all (nothing)."""

    kind: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """The keys of images and their labels; ``part`` is that of a split, or nothing."""

    images: str
    labels: str | None
    part: str = ""


def _roles() -> dict[str, Role]:
    found = {name: Role(kind, "") for kind, names in NAMES.items() for name in names}
    for part, prefixes in PARTS.items():
        for kind, names in NAMES.items():
            for prefix in prefixes:
                for name in names:
                    both = f"{prefix}_{name}", f"{name}_{prefix}"
                    found |= dict.fromkeys(both, Role(kind, part))
    return found


ROLES: Mapping[str, Role] = _roles()  # by key, in lower case: MedMNIST's, Keras' and many more


def part_of(name: str) -> str | None:
    """Return the part that a name stands for, such as ``val`` for ``Validation`` or ``valid1``."""
    plain = name.lower().rstrip("0123456789").rstrip("_- ")
    return next((part for part, names in PARTS.items() if plain in names), None)


def first_of(names: Sequence[str], keys: Sequence[str]) -> str | None:
    """Return the key that has one of some names, the first of these that there is."""
    by_name = {key.lower(): key for key in keys}
    return next((by_name[name] for name in names if name in by_name), None)


def key_pairs(keys: Sequence[str], reading: Reading, where: str) -> list[KeyPair]:
    """Return which keys are read: one pair, or one for each part of a split.

    Raises:
        DataError: no key, or more than one, is meant; the message names the choice.
    """
    asked = [key for key in (reading.images_key, reading.labels_key) if key is not None]
    for key in set(asked) - set(keys):
        raise DataError(f"{where}: has no {key!r}; it holds {some_of(keys, 9) or 'nothing'}")
    if reading.images_key is not None:
        role = ROLES.get(reading.images_key.lower(), Role("images", ""))
        pair = _pair(reading.images_key, role.part, keys, reading, where)
        return [replace(pair, part="")]
    if "data" in keys:  # the name of our own files
        return [_pair("data", "", keys, reading, where)]
    images = _images_by_part(keys)
    if not images:
        raise DataError(
            f"{where}: holds {some_of(keys, 9) or 'no arrays at all'}; needed: data and labels "
            f"(or images, x, x_train, train_images and the like), or {CHOICE}"
        )
    several = next((found for found in images.values() if len(found) > 1), [])
    if "" in images and len(images) > 1:
        several = [key for found in images.values() for key in found]
    if several:
        raise DataError(f"{where}: {some_of(several, 9)} may all be the images; {CHOICE}")
    ordered = [part for part in ("", *PARTS) if part in images]
    return [_pair(images[part][0], part, keys, reading, where) for part in ordered]


def _images_by_part(keys: Sequence[str]) -> dict[str, list[str]]:
    images: dict[str, list[str]] = {}
    for key in keys:
        role = ROLES.get(key.lower(), Role("", ""))
        if role.kind == "images":
            images.setdefault(role.part, []).append(key)
    return images


def _pair(images: str, part: str, keys: Sequence[str], reading: Reading, where: str) -> KeyPair:
    if reading.labels_key is not None:
        return KeyPair(images=images, labels=reading.labels_key, part=part)
    found = [key for key in keys if ROLES.get(key.lower()) == Role("labels", part)]
    if images == "data" and "labels" in found:
        found = ["labels"]
    if len(found) > 1:
        raise DataError(f"{where}: {some_of(found, 9)} may all be the labels; {CHOICE}")
    return KeyPair(images=images, labels=found[0] if found else None, part=part)
