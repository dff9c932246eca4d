"""Builds finished models of trained networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import INPUT, POOLED_BY, cuts_of, segment
from bcsearch.training.assembled import Member, assembled, side_by_side
from bcsearch.training.keras_head import FROZEN, frozen_copy, network_above
from bcsearch.training.stages import stages_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import keras

    from bcsearch.features.features import Features
    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.stages import Stage
    from bcsearch.views.chosen import Views


class ModelBuilder:
    """Builds models of networks on one dataset.

    ``image_shape`` are height and width of its images, ``n_epochs`` the most of a trial.
    """

    def __init__(
        self, features: Features, views: Views, image_shape: tuple[int, int], n_epochs: int
    ) -> None:
        self._features, self._views = features, views
        self._image_shape, self._n_epochs = image_shape, n_epochs

    def part(self, params: Params, start: str, end: str) -> keras.Model:
        """Return the frozen backbone from one cut to another."""
        backbone = self._features.backbone(params.backbone, params.image_size)
        return segment(backbone, start, end)

    def stages(self, params: Params) -> tuple[Stage, ...]:
        """Return which part of a backbone is trained from which epoch on."""
        cuts = cuts_of(params.backbone, params.image_size, params.pooling)
        return stages_of(params, cuts, self._n_epochs)

    def model(
        self, trained: Sequence[tuple[Params, FoldWeights]], tta: Sequence[str] = ()
    ) -> keras.Model:
        """Return one model: the mean of what networks say, each with its configuration and weights.

        Returns:
            A model from raw images (batch, height, width, 3), 0 to 255, to probabilities (batch,
            n_classes).
        """
        return assembled(self._members(trained), self._image_shape, tta)

    def models(self, trained: Sequence[tuple[Params, FoldWeights]]) -> keras.Model:
        """Return one model as ``model`` does, with an output for each network."""
        return side_by_side(self._members(trained), self._image_shape)

    def _members(self, trained: Sequence[tuple[Params, FoldWeights]]) -> list[Member]:
        """Return networks as members; frozen parts that are alike are one, and so are networks."""
        prefixes: dict[Hashable, keras.Model | None] = {}
        heads: dict[int, keras.Model] = {}
        found = []
        for params, weights in trained:
            cut = self.stages(params)[-1].cut.name
            if not weights.layers:
                cut = POOLED_BY[params.pooling]  # its backbone was never trained
            key = (params.backbone, params.image_size, cut)
            if key not in prefixes:
                prefixes[key] = None
                if cut != INPUT:
                    name = f"{FROZEN}{params.backbone}_{params.image_size}_{cut}"
                    prefixes[key] = frozen_copy(self.part(params, INPUT, cut), name)
            if id(weights) not in heads:
                part = None
                if weights.layers:
                    part = self.part(params, cut, POOLED_BY[params.pooling])
                name = f"head_{len(heads)}"
                heads[id(weights)] = network_above(part, params, weights, name)
            preprocessing = self._views.preprocessing(params)
            member = Member(preprocessing, params.image_size, prefixes[key], heads[id(weights)])
            found.append(member)
        return found
