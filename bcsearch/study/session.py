"""One study in this process, with everything that is kept of it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from bcsearch.artifacts.files import Artifacts
from bcsearch.errors import DiskError
from bcsearch.records.events import BudgetKnown
from bcsearch.storage import Ledger, Slots, attrs, certificate_of, read_overview, read_study
from bcsearch.study.create import stored_plan
from bcsearch.study.places import bundle_dir, is_there

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """One study.

    Attributes:
        plan: the sweep and the space that it was created with.
        slots: its budget.
        ledger: what its trials found.
        results: the folder of models.
        files: the folder of what trials leave.
        baseline: what the best classifier that costs next to nothing scores, the mean over folds;
            None where that is not known.
    """

    study: optuna.Study
    storage: Storage
    plan: Plan
    slots: Slots
    ledger: Ledger
    results: Path
    files: Path
    baseline: float | None = None

    @classmethod
    def of(cls, study: optuna.Study, storage: Storage, *, results: Path, files: Path) -> Self:
        """Return a study with what it keeps of itself."""
        attributes = study.user_attrs
        plan = stored_plan(attributes[attrs.SWEEP], attributes[attrs.SETTINGS])
        certificate = certificate_of(attributes)
        baseline = None
        if certificate is not None and certificate.to_beat is not None:
            baseline = certificate.to_beat.mean(plan.sweep.search.score)
        return cls(
            study=study,
            storage=storage,
            plan=plan,
            slots=Slots(storage, study),
            ledger=Ledger(storage, study),
            results=results,
            files=files,
            baseline=baseline,
        )

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def uuid(self) -> str:
        """What tells it from all other studies."""
        return self.ledger.uuid

    @property
    def bundle_dir(self) -> Path:
        """The folder of its finished model.

        Another study of this name may have come to have the first choice.
        """
        return bundle_dir(self.results, self.name, self.uuid)

    @property
    def artifacts(self) -> Artifacts:
        """The files of its trials."""
        return Artifacts(self.files)

    def check_there(self) -> None:
        """Check that the study's database and files were not deleted while it is worked on.

        Raises:
            DiskError: they were; the message says what is lost and what is left.
        """
        again = "run the same command again"
        try:
            self.storage.check_there()
        except DiskError as error:
            left = f"their files are still in {self.files}"
            if not is_there(self.files):
                left = f"and so are their files in {self.files}"
            raise DiskError(
                f"{error} during the run: the trials of study {self.name!r} are lost, {left}; "
                f"the cache is kept; to begin anew, {again}"
            ) from error
        if not is_there(self.files):
            raise DiskError(
                f"the files of its trials in {self.files} were deleted or moved during the run: "
                "checkpoints and probabilities are lost, trials and scores are still in the "
                f"database; to go on, {again}"
            )

    def record(self) -> StudyRecord:
        """Read it back with every epoch of every trial."""
        return read_study(self.storage, self.name, with_epochs=True)

    def overview(self) -> StudyRecord:
        """Read back the states and scores of its trials."""
        return read_overview(self.storage, self.name, n_best=0)

    def progress(self) -> BudgetKnown:
        """Look how far it is, in a few queries however many trials it has."""
        budget, best = self.slots.counts(), None
        number = None
        if self.plan.sweep.search.repeat_duplicates:
            counted = self.overview().best  # Optuna knows no means of several trials
            if counted is not None:
                best, number = counted.score, counted.number
        else:
            with suppress(ValueError):  # raised where no trial has completed
                trial = self.study.best_trial
                best, number = trial.value, trial.number
        return BudgetKnown(
            trials=budget.total,
            filled=budget.finished,
            best=best,
            best_number=number,
            score_name=self.plan.sweep.search.score,
            baseline=self.baseline,
        )

    def set_budget(self, wanted: int | None, default: int) -> None:
        """Make room for ``wanted`` trials in all.

        None keeps the budget, or sets the default in a new study.
        """
        kept: int | None = self.study.user_attrs.get(attrs.TRIALS)
        self.slots.ensure_slots(wanted or kept or default)
        budget = self.slots.counts().total  # trials that run or are done keep their slots
        if budget != kept:
            self.study.set_user_attr(attrs.TRIALS, budget)

    def grow(self) -> BudgetKnown:
        """Make room for one more trial; return how far the study is then."""
        self.set_budget(self.slots.counts().total + 1, default=0)
        return self.progress()


def worker_name() -> str:
    """Return what tells this process from all others that may work on a study."""
    return f"{socket.gethostname()}-{os.getpid()}"
