"""Checks data without a study: what ``bcsearch data check`` shows."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.check.outliers import Similarity, similarity
from bcsearch.data.source import load_for_study
from bcsearch.records.checked import DataCheck, Verdict
from bcsearch.records.events import Notice
from bcsearch.study.assemble import features_of, open_device, weights_of
from bcsearch.study.checking import Checker
from bcsearch.study.interrupts import Interrupts

if TYPE_CHECKING:
    from bcsearch.config import RunOptions
    from bcsearch.data.dataset import Dataset
    from bcsearch.records.checked import Certificate
    from bcsearch.records.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedData:
    """A dataset with what was found in it; ``similarity`` is None where there are no features."""

    dataset: Dataset
    check: DataCheck
    certificate: Certificate
    similarity: Similarity | None


def check_source(sweep: str, options: RunOptions, listener: Listener) -> CheckedData:
    """Read the data that the options name as a sweep reads it, and make all checks.

    Raises:
        BcsearchError: something that the user can fix.
        KeyboardInterrupt: the user stopped it.
    """
    plan = options.plan(sweep)
    with Interrupts(listener) as interrupts:
        listener = interrupts.tell
        device = open_device(listener)
        weights = weights_of(plan)
        dataset = load_for_study(plan.sweep.data, plan.largest_size, plan.sweep.reading)
        for note in dataset.notes:
            listener(Notice(text=f"data: {note}"))
        features = features_of(dataset, plan, weights, device, options, listener, interrupts)
        checker = Checker(dataset=dataset, plan=plan, features=features, interrupts=interrupts)
        with closing(features.store):
            check, looked = checker.check(), checker.looked()
            looked.kept[check.rows(Verdict.EXCLUDE)] = False
            return CheckedData(
                dataset=dataset,
                check=check,
                certificate=checker.study_check().certificate,
                similarity=similarity(looked),
            )
