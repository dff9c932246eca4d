"""What is known of a backbone, to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFacts:
    """A place to split it: the share of parameters trained above, one image's activation below."""

    name: str
    trained: float
    layers: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneFacts:
    """One backbone at one image size.

    Attributes:
        natural_size: the image size its ImageNet weights were made for, in pixels.
        weights: where its first weights come from, and whether they are on this machine.
        images_per_second: of a frozen pass on this machine; None where it was not measured.
    """

    name: str
    parameters: int
    natural_size: int
    image_size: int
    cuts: tuple[CutFacts, ...]
    weights: str
    images_per_second: float | None
