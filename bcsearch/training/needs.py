"""What a configuration reads of the images: which views, at which cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import POOLED_BY, cuts_of
from bcsearch.backbones.table import get_backbone
from bcsearch.features.features import Need
from bcsearch.training.stages import stages_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.recipe import Params
    from bcsearch.views.view import View


def needs_of(params: Params, views: Sequence[View], n_epochs: int) -> list[Need]:
    """Return what training reads, the shallowest cut first, as deeper ones are computed from it.

    ``views`` are those that are trained or scored, the clean one first.
    """
    stages = stages_of(
        params, cuts_of(params.backbone, params.image_size, params.pooling), n_epochs
    )
    found = [Need(stage.cut.name, view) for stage in reversed(stages) for view in views]
    scales_features = not get_backbone(params.backbone).trained_whole
    if not stages[0].cut.is_pooled and scales_features:
        found.append(Need(POOLED_BY[params.pooling], views[0]))
    return found
