"""Looks at how many images the classes have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.found import Found

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked

UNEVEN = 5.0  # times as many images


def class_balance(looked: Looked) -> Found:
    """Name the largest and smallest class, and classes with fewer images than there are folds."""
    names = looked.dataset.class_names
    counts = np.bincount(looked.dataset.labels[looked.kept], minlength=len(names))
    least, most = int(counts.argmin()), int(counts.argmax())
    notes = [
        f"classes have {counts[least]} ({names[least]}) to {counts[most]} ({names[most]}) images"
    ]
    if counts[most] > UNEVEN * counts[least]:
        notes[0] += "; class_weights and sampling in a space act on that, and --score macro_f1"
    few = [names[label] for label in np.flatnonzero(counts < looked.folds.n_folds)]
    if few and looked.dataset.valid is None:
        notes.append(
            f"warning: fewer images than the {looked.folds.n_folds} folds need in "
            f"{', '.join(few)}; add some, ask for fewer folds, or leave the class out"
        )
    return Found(notes=tuple(notes))
