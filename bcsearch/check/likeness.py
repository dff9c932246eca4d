"""What training images look like, and whether others look like them: a table of measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records.likeness import Difference, Unlike
from bcsearch.seeds import derive_seed
from bcsearch.views.corruption import CORRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    Features = Callable[[np.ndarray], np.ndarray | None]  # of images, (n, n_features)

SAMPLE = 400  # training images that are measured, as many of each class
MILD_SAMPLE = 20  # of them, that each mild corruption is tried on
CHUNK = 256  # images that are measured at once
MILD = 1.0  # severity of changes that are nothing unlike
SIGMAS = 3.0  # standard errors that a mean may lie outside of what is known
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
DISTANCE = "features"
VARIANCE_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One row: a number for each of some images, (n, height, width, 3) uint8, and its words.

    ``below`` and ``above`` say what images are whose number is lower or higher.
    """

    of: Callable[[np.ndarray], np.ndarray]
    below: str
    above: str


def brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean luma of each image, 0 to 255."""
    means: np.ndarray = _luma(images).mean(axis=(1, 2))
    return means


def contrast(images: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the luma of each image."""
    deviations: np.ndarray = _luma(images).std(axis=(1, 2))
    return deviations


def sharpness(images: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mean difference between pixels side by side."""
    luma = _luma(images)
    steps = [np.abs(np.diff(luma, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    logarithms: np.ndarray = np.log(steps[0] + steps[1] + 0.1)
    return logarithms


def red_over_green(images: np.ndarray) -> np.ndarray:
    """Return the mean of red less green, -255 to 255."""
    means = images.mean(axis=(1, 2), dtype=np.float32)
    difference: np.ndarray = means[:, 0] - means[:, 1]
    return difference


def blue_over_yellow(images: np.ndarray) -> np.ndarray:
    """Return the mean of blue less the mean of red and green, -255 to 255."""
    means = images.mean(axis=(1, 2), dtype=np.float32)
    difference: np.ndarray = means[:, 2] - (means[:, 0] + means[:, 1]) / 2
    return difference


MEASURES = {
    "brightness": Measure(of=brightness, below="darker", above="brighter"),
    "contrast": Measure(of=contrast, below="of less contrast", above="of more contrast"),
    "sharpness": Measure(of=sharpness, below="less sharp", above="sharper"),
    "red_over_green": Measure(of=red_over_green, below="greener", above="redder"),
    "blue_over_yellow": Measure(of=blue_over_yellow, below="yellower", above="bluer"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """What is known of training images, by measure, those of ``MEASURES`` and perhaps ``features``.

    The mean of images like them lies between ``low`` and ``high``: between the means of classes,
    and of images after any mild corruption. ``features`` is the distance from the nearest class.

    Attributes:
        low, high, spread: by measure; the spread is the standard deviation over images.
        centres: features of each class on the mean, (n_classes, n_features); empty: not known.
        scale: standard deviation of each feature around them, (n_features,).
    """

    low: dict[str, float]
    high: dict[str, float]
    spread: dict[str, float]
    centres: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray, features: Features, seed: int) -> Likeness:
        """Measure some training images (n, height, width, 3) uint8, about 400, of all classes."""
        random = np.random.default_rng(seed)
        of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        most = max(1, SAMPLE // len(of_class))
        chosen = [random.permutation(rows)[:most] for rows in of_class]
        order = random.permutation(np.concatenate(chosen))
        images, labels = images[order], labels[order]
        classes = [labels == label for label in np.unique(labels)]
        seen = features(images)
        centres, scale = np.empty((0, 0), np.float32), np.empty(0, np.float32)
        if seen is not None:
            centres = np.stack([seen[rows].mean(axis=0) for rows in classes])
            nearest = np.concatenate(
                [seen[rows] - centre for rows, centre in zip(classes, centres, strict=True)]
            )
            scale = np.sqrt(nearest.var(axis=0) + VARIANCE_FLOOR)
        known = cls(low={}, high={}, spread={}, centres=centres, scale=scale)
        clean = known.measured(images, seen)
        some = images[:MILD_SAMPLE]
        changes: dict[str, list[float]] = {name: [0.0] for name in clean}
        for number, row in enumerate(CORRUPTIONS.values()):
            changed = row.run(some, {"severity": MILD}, derive_seed(seed, "mild", number))
            for name, values in known.measured(changed, features(changed)).items():
                changes[name].append(float((values - clean[name][: len(some)]).mean()))
        for name, values in clean.items():
            means = [float(values[rows].mean()) for rows in classes]
            means += [float(values.mean()) + change for change in changes[name]]
            known.low[name], known.high[name] = min(means), max(means)
            known.spread[name] = float(values.std())
        return known

    @property
    def is_sound(self) -> bool:
        """Whether every measure has its numbers, and features of classes fit each other."""
        measures = {*MEASURES, DISTANCE} if len(self.centres) else {*MEASURES}
        values = [*self.low.values(), *self.high.values(), *self.spread.values()]
        arrays = (self.centres, self.scale)
        return (
            all(set(each) == measures for each in (self.low, self.high, self.spread))
            and all(isinstance(value, float) for value in values)
            and all(each.dtype.kind == "f" and np.isfinite(each).all() for each in arrays)
            and bool(np.isfinite(values).all())
            and (not len(self.centres) or self.centres.shape[1:] == self.scale.shape)
        )

    def measured(self, images: np.ndarray, features: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return every measure of each image, (n,)."""
        starts = range(0, len(images), CHUNK)
        found = {
            name: np.concatenate([row.of(images[at : at + CHUNK]) for at in starts])
            for name, row in MEASURES.items()
        }
        if features is not None and features.shape[1:] == self.scale.shape:
            away = [
                np.square((features - centre) / self.scale).mean(axis=1) for centre in self.centres
            ]
            found[DISTANCE] = np.sqrt(np.min(away, axis=0))
        return found

    def unlike(self, images: np.ndarray, features: np.ndarray | None) -> Unlike:
        """Say in which measures images are unlike the training images, together and one by one."""
        measured = self.measured(images, features)
        outside = {name: self._outside(name, values, 1) > 0 for name, values in measured.items()}
        return Unlike(
            n_images=len(images),
            differences=tuple(self.differences(measured)),
            alone=tuple(
                tuple(name for name, rows in outside.items() if rows[row])
                for row in range(len(images))
            ),
        )

    def _outside(self, name: str, means: np.ndarray, n_images: int) -> np.ndarray:
        """Return how far means of so many images lie outside of what is known; below 0 inside."""
        margin = SIGMAS * self.spread[name] / n_images**0.5
        above: np.ndarray = means - self.high[name] - margin
        if name != DISTANCE:
            above = np.maximum(above, self.low[name] - margin - means)
        return above

    def differences(self, measured: dict[str, np.ndarray]) -> list[Difference]:
        """Return in which measures the mean of some images lies outside of what is known."""
        found = []
        for name, values in measured.items():
            mean = values.mean()
            if self._outside(name, mean, len(values)) > 0:
                is_below = bool(mean < self.low[name])
                edge = self.low[name] if is_below else self.high[name]
                found.append(
                    Difference(
                        measure=name,
                        word=_word(name, is_below=is_below),
                        mean=float(mean),
                        low=self.low[name],
                        high=self.high[name],
                        spreads=float(abs(mean - edge) / max(self.spread[name], 1e-9)),
                    )
                )
        return sorted(found, key=lambda each: -each.spreads)


def _word(name: str, *, is_below: bool) -> str:
    if name == DISTANCE:
        return "far from all classes by their features"
    return MEASURES[name].below if is_below else MEASURES[name].above


def _luma(images: np.ndarray) -> np.ndarray:
    luma: np.ndarray = images.astype(np.float32) @ LUMA
    return luma
