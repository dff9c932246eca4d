"""Finds images whose label is probably wrong, by cleanlab on predictions of a linear head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.found import Found, to_review

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked

SURE = 0.5  # probability of another class, below which it is no finding


def label_errors(looked: Looked) -> Found:
    """Find labels that a linear head, which did not learn from the image, contradicts.

    Confident learning: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", JAIR 70 (2021).
    """
    if looked.probabilities is None:
        return Found(left_out="label errors need features of a backbone and folds")
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return Found(left_out="label errors need cleanlab; pip install 'bcsearch[check]'")
    kept = np.flatnonzero(looked.kept & np.isfinite(looked.probabilities).all(axis=1))
    known, labels = looked.probabilities[kept].astype(np.float64), looked.dataset.labels[kept]
    places = find_label_issues(
        labels,
        known,
        return_indices_ranked_by="self_confidence",
        filter_by="both",
        n_jobs=1,
    )
    names = looked.dataset.class_names
    evidence: dict[int, str] = {}
    for place in places:
        said = int(known[place].argmax())
        if said == labels[place] or known[place, said] < SURE:
            continue
        evidence[int(kept[place])] = (
            f"labelled {names[labels[place]]} ({known[place, labels[place]]:.2f}), a linear head "
            f"says {names[said]} ({known[place, said]:.2f})"
        )
    return Found(findings=to_review("label", evidence))
