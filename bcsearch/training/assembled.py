"""Trained networks as one Keras model, from raw images to the mean of their probabilities."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from bcsearch.backbones.resizing import resizing
from bcsearch.errors import ConfigError
from bcsearch.views.operation import Kind
from bcsearch.views.preprocessing import whole_pixels
from bcsearch.views.table import get_operation
from bcsearch.views.view import Applied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Resizers = Mapping[int, keras.Model | None]  # by the size of images, None where they have it


class Member(NamedTuple):
    """One trained network, of stock layers.

    Attributes:
        preprocessing: what its images go through.
        image_size: what they are resized to.
        prefix: the frozen part of its backbone; None where all of it was trained. Members that have
            the same object, on images prepared alike, share its passes.
        head: from what the prefix gives to probabilities (batch, n_classes). Members that have the
            same object count as often.
    """

    preprocessing: tuple[Applied, ...]
    image_size: int
    prefix: keras.Model | None
    head: keras.Model


def assembled(
    members: Sequence[Member], image_shape: tuple[int, int], tta: Sequence[str] = ()
) -> keras.Model:
    """Return members as one model of stock layers and ``keras.ops``.

    It takes raw images (batch, *image_shape, 3), 0 to 255, and gives probabilities (batch,
    n_classes): the mean over members, of the image and of what each operation of ``tta`` makes of
    it.
    """
    image = keras.Input((*image_shape, 3), name="image")
    seen = [image, *(_changed(image, Kind.TTA, Applied(name)) for name in tta)]
    resizers = _resizers(members, image_shape)
    means = [_mean_of_members(members, resizers, each) for each in seen]
    if not tta:
        return keras.Model(image, means[0])
    return keras.Model(image, keras.layers.Average(name="mean_of_views")(means))


def side_by_side(members: Sequence[Member], image_shape: tuple[int, int]) -> keras.Model:
    """Return members as one model with an output for each, (batch, n_classes)."""
    image = keras.Input((*image_shape, 3), name="image")
    return keras.Model(image, _outputs(members, _resizers(members, image_shape), image))


def _resizers(members: Sequence[Member], image_shape: tuple[int, int]) -> Resizers:
    return {size: resizing(*image_shape, size) for size in {each.image_size for each in members}}


def _mean_of_members(members: Sequence[Member], resizers: Resizers, image: Any) -> Any:
    counts = Counter(members)
    found = _outputs(list(counts), resizers, image)
    if len(found) == 1:
        return found[0]
    shares = [count / len(members) for count in counts.values()]
    return sum(share * output for share, output in zip(shares, found, strict=True))


def _outputs(members: Sequence[Member], resizers: Resizers, image: Any) -> list[Any]:
    """Return what each member makes of a symbolic image; what several go through is built once."""
    ready: dict[Any, Any] = {(): image}
    found = []
    for member in members:
        steps: tuple[Applied, ...] = ()
        for applied in member.preprocessing:
            before, steps = steps, (*steps, applied)
            if steps not in ready:
                ready[steps] = _changed(ready[before], Kind.PREPROCESS, applied)
        resized = steps, member.image_size
        if resized not in ready:
            resize = resizers[member.image_size] or keras.layers.Identity()
            ready[resized] = resize(ready[steps])
        passed = (*resized, member.prefix)
        if passed not in ready:
            frozen = member.prefix or keras.layers.Identity()
            ready[passed] = frozen(ready[resized])
        found.append(member.head(ready[passed]))
    return found


def _changed(images: Any, kind: Kind, applied: Applied) -> Any:
    """Apply an operation to symbolic images, as stored views are made."""
    operation = get_operation(applied.name, kind)
    if operation.change is None:
        raise ConfigError(f"{kind} {applied.name!r} has no form for an exported model")
    return whole_pixels(operation.change(images, dict(applied.settings)))
