"""The rules of the final choice: which trial is named, who joins an ensemble, what ships."""

from __future__ import annotations

from statistics import stdev
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.records.choice import Repeated
    from bcsearch.records.ending import Gain

WITHIN = 0.02  # of the best clean score: what a winner under shift may be below it
LOGARITHMIC = "log_loss"  # has no points: there it is the spread over folds
MOST_PICKS = 10  # into an ensemble, one trial as often as it helps


def best_repeated(repeated: Sequence[Repeated], score: str) -> Repeated:
    """Return the candidate to name: the best by the repeats, the earlier on a tie.

    Where shifted images rank, it is the best among those within 2 points of the best clean score:
    what holds elsewhere must not be bought with what is known.
    """
    clean, _, shift = score.partition("@")
    allowed = list(repeated)
    if shift and all(clean in each.scores for each in repeated):
        best = max(repeated, key=lambda each: each.mean(clean))
        margin = stdev(best.scores[clean]) if clean == LOGARITHMIC else WITHIN
        least = best.mean(clean) - margin
        allowed = [each for each in repeated if each.mean(clean) >= least]
    return max(allowed, key=lambda each: each.mean(score))


def greedy_ensemble(
    probabilities: Mapping[int, np.ndarray], score: Callable[[np.ndarray], float]
) -> tuple[int, ...]:
    """Choose trials whose mean probabilities score best, one after the other, with replacement.

    After Caruana and others, "Ensemble selection from libraries of models" (2004).

    Args:
        probabilities: by trial, (n_images, n_classes) of images not trained on.
        score: of probabilities, higher is better.

    Returns:
        The trials as they were chosen, up to the mean that scored best; ten at most.
    """
    chosen: list[int] = []
    total = np.zeros_like(next(iter(probabilities.values())), dtype=np.float64)
    best, n_best = -np.inf, 0
    for n_chosen in range(1, MOST_PICKS + 1):
        scored = {
            number: score((total + each) / n_chosen) for number, each in probabilities.items()
        }
        number = max(scored, key=lambda each: scored[each])
        chosen.append(number)
        total = total + probabilities[number]
        if scored[number] > best:
            best, n_best = scored[number], n_chosen
    return tuple(chosen[:n_best])


def simplest_unbeaten(names: Sequence[str], gain: Callable[[str, str], Gain]) -> str:
    """Return the first name, of the simplest first, that no later one beats by more than the noise.

    ``gain`` is that of one name over another.
    """
    for place, name in enumerate(names):
        if not any(gain(later, name).wins for later in names[place + 1 :]):
            return name
    return names[-1]
