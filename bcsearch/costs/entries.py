"""Counts what a space may ask for that is computed once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, cuts_of
from bcsearch.features.features import Need
from bcsearch.training.needs import needs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.costs.pool import Candidate
    from bcsearch.training.trainer import Trainer
    from bcsearch.views.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One view of all images at a cut of a network, or at the cut ``input`` the view itself.

    Attributes:
        network: a backbone's name and an image size; the same for all views at ``input``, which
            networks share.
        unfrozen: share of the network's parameters above the cut.
        image_bytes: of one image.
        kept: whether the cache has it already.
    """

    network: tuple[str, int]
    cut: str
    view: View
    unfrozen: float
    image_bytes: int
    kept: bool


def entries_of(pool: Sequence[Candidate], trainer: Trainer, n_epochs: int) -> list[set[Entry]]:
    """Return for each configuration what it reads that is kept.

    The original itself needs no place.
    """
    known: dict[tuple[tuple[str, int], Need], Entry] = {}
    found = []
    for candidate in pool:
        needs = needs_of(candidate.params, trainer.scored_views(candidate.params), n_epochs)
        views = [Need(INPUT, need.view) for need in needs if need.view.ops]
        mine = set()
        for need in [*views, *(need for need in needs if need.cut != INPUT)]:
            key = (candidate.network, need)
            if key not in known:
                known[key] = _entry(candidate, need, trainer)
            mine.add(known[key])
        found.append(mine)
    return found


def _entry(candidate: Candidate, need: Need, trainer: Trainer) -> Entry:
    features = trainer.features
    kept = features.is_kept(*candidate.network, need)
    if need.cut == INPUT:
        image_bytes = int(np.prod(features.images.shape[1:]))
        return Entry(
            network=("", 0),
            cut=INPUT,
            view=need.view,
            unfrozen=1.0,
            image_bytes=image_bytes,
            kept=kept,
        )
    cuts = cuts_of(*candidate.network, candidate.params.pooling)
    cut = next(cut for cut in cuts if cut.name == need.cut)
    return Entry(
        network=candidate.network,
        cut=cut.name,
        view=need.view,
        unfrozen=cut.fraction,
        image_bytes=2 * cut.size,  # half precision
        kept=kept,
    )
