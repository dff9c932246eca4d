"""Scores the best trials of a study on shifted images, where it ranks by clean ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT
from bcsearch.records.events import Notice
from bcsearch.report.shifted import shifted_lines
from bcsearch.scores.table import CLEAN, SCORES
from bcsearch.storage import attrs
from bcsearch.study.endings import LEAST_SECONDS, learning_rates
from bcsearch.training.needs import needs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.records.events import Listener
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.session import Session
    from bcsearch.training.trainer import Trainer

BEST_SCORED = 3  # trials


def score_shifted(
    prepared: Prepared, session: Session, check: Callable[[], None], listener: Listener
) -> None:
    """Train the folds of the best trials once more and score them on mixed corruptions.

    The study keeps the scores; what it has is not computed again. Together it takes at most
    ``[final] share`` of the search's time; what would take longer is left out. ``check`` is called
    as training goes on, and may raise to end it.
    """
    study = session.overview()
    ranking, shifted = SCORES.get(study.score), SCORES.get(f"{study.score}@shift")
    if ranking is None or shifted is None or ranking.shifts != CLEAN:
        return
    begun = time.monotonic()
    seconds = prepared.plan.sweep.final.share * session.ledger.search_seconds()
    found = dict(study.shifted)
    trainer = prepared.trainer.scored_by([shifted])
    for trial in study.ranked[:BEST_SCORED]:
        entry = session.ledger.entry_of(trial.number)
        if entry is None or trial.number in found:
            continue
        left = seconds - (time.monotonic() - begun)
        if left < max(LEAST_SECONDS, _expected_seconds(trainer, entry)):
            continue
        models = trainer.fold_models(entry.params, learning_rates(entry), check)
        rows = trainer.folds.valid_rows
        predicted = models.predict(averaged=False)
        views = [np.split(fold, len(shifted.shifts)) for fold in predicted]
        found[trial.number] = tuple(
            shifted(trainer.folds.labels[fold], seen, fold)
            for fold, seen in zip(rows, views, strict=True)
        )
    if found != study.shifted:
        session.study.set_user_attr(attrs.SHIFTED, {str(key): each for key, each in found.items()})
        for line in shifted_lines(session.overview()):
            listener(Notice(text=line))


def _expected_seconds(trainer: Trainer, entry: LedgerEntry) -> float:
    """Estimate what training a trial's folds and passing its shifted views take.

    A pass takes as long as that of the clean view did.
    """
    params, features = entry.params, trainer.features
    needs = needs_of(params, trainer.scored_views(params), trainer.n_epochs)
    network = params.backbone, params.image_size
    passes = 0.0
    for need in needs:
        if need.cut != INPUT and not features.is_kept(*network, need):
            clean = need._replace(view=trainer.views.clean(params))
            passes += features.seconds_of(*network, clean)
    return passes + entry.train_seconds
