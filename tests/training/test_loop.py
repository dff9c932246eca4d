from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import Search, Training
from bcsearch.errors import InfeasibleError
from bcsearch.recipe import Params
from bcsearch.scores.table import chosen_scores
from bcsearch.training.loop import Lockstep
from bcsearch.training.protocol import Check, nothing
from bcsearch.training.task import Task
from bcsearch.views.view import Applied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.records import TrainResult
    from bcsearch.records.checkpoint import Checkpoint

N = 10  # validation images of each of two folds, all of class 0
TASK = Task(
    labels=np.zeros(3 * N, np.int64),
    n_classes=2,
    train_rows=[np.arange(N, 3 * N), np.r_[0:N, 2 * N : 3 * N]],
    valid_rows=[np.arange(N), np.arange(N, 2 * N)],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedScore:
    """The share of images whose likeliest class is right, of clean or of shifted images."""

    name: str
    shifts: tuple[tuple[Applied, ...], ...] = ((),)

    def __call__(
        self, labels: np.ndarray, predictions: Sequence[np.ndarray], rows: np.ndarray
    ) -> float:
        assert len(rows) == len(labels)
        return float(np.mean([each.argmax(axis=1) == labels for each in predictions]))


ACCURACY = ScriptedScore(name="accuracy")
SHIFTED = ScriptedScore(name="accuracy@jpeg", shifts=((Applied("jpeg"),),))


class ScriptedTrainer:
    """Trains nothing: each epoch every fold has some of its ten images right; keeps its rates."""

    def __init__(self, curve: Sequence[Sequence[int]], losses: Sequence[float] = ()) -> None:
        self._curve, self._losses = curve, losses
        self.rates: list[float] = []
        self.trained: list[int] = []

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        check()
        assert epoch == len(self.rates)
        self.rates.append(learning_rate)
        self.trained.append(epoch)
        return self._losses[epoch] if self._losses else 1.0

    def predict(self, shift: int = 0) -> list[np.ndarray]:
        epoch = len(self.rates) - 1
        found = []
        for n_right in self._curve[epoch]:
            sure = 0.9 - 0.01 * epoch  # tells epochs apart
            right = np.arange(N) < n_right - 2 * shift  # shifted images are harder
            found.append(
                np.where(right[:, np.newaxis], [sure, 1 - sure], [1 - sure, sure]).astype(
                    np.float32
                )
            )
        return found

    def weights(self) -> Any:
        raise NotImplementedError

    def state(self) -> dict[str, np.ndarray]:
        return {"rates": np.array(self.rates)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.rates = list(state["rates"])


class Told:
    """Hears of epochs and lets training go on."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def __call__(self, epoch: int, score: float) -> bool:
        self.epochs.append(epoch)
        return False


class LastCheckpoint:
    """Keeps every checkpoint that is offered, over the one before."""

    def __init__(self, kept: Checkpoint | None = None) -> None:
        self.kept = kept

    def load(self) -> Checkpoint | None:
        return self.kept

    def offer(self, make: Callable[[], Checkpoint]) -> None:
        self.kept = make()


def keep_going(epoch: int, score: float) -> bool:
    return False


def train(trainer: ScriptedTrainer, report: Any = keep_going, **settings: Any) -> TrainResult:
    evaluators = settings.pop("evaluators", [ACCURACY])
    params = Params(schedule=settings.pop("schedule", "constant"), learning_rate=0.01)
    limits = {
        name: settings.pop(name) for name in ("checkpoints", "trial_seconds") if name in settings
    }
    training = Training(**{"epochs": 8, "patience": 3, **settings})
    return Lockstep(
        trainer=trainer,
        task=TASK,
        params=params,
        settings=training,
        evaluators=evaluators,
        report=report,
        **limits,
    ).run()


def test_every_epoch_is_scored_by_fold_and_its_mean_is_reported() -> None:
    told: dict[int, float] = {}

    def report(epoch: int, score: float) -> bool:
        told[epoch] = score
        return False

    result = train(ScriptedTrainer([(5, 7), (8, 8)]), report, epochs=2)
    assert [epoch.fold_scores for epoch in result.epochs] == [(0.5, 0.7), (0.8, 0.8)]
    assert told == pytest.approx({0: 0.6, 1: 0.8})
    assert [(epoch.train_loss, epoch.learning_rate) for epoch in result.epochs] == [(1.0, 0.01)] * 2
    assert not result.stopped


def test_every_score_is_kept_by_its_name_and_the_first_ranks() -> None:
    curve = [(5, 7), (9, 9), (8, 8)]
    result = train(ScriptedTrainer(curve), epochs=3, evaluators=[SHIFTED, ACCURACY])
    first = result.epochs[0]
    assert dict(first.scores) == {"accuracy": (0.5, 0.7), "accuracy@jpeg": (0.3, 0.5)}
    assert first.score == "accuracy@jpeg"
    assert first.mean == pytest.approx(0.4)
    assert first.mean_of("accuracy") == pytest.approx(0.6)


def test_training_stops_when_the_mean_has_not_risen_for_the_patience() -> None:
    result = train(ScriptedTrainer([(5, 5), (7, 7), (7, 7), (6, 8), (5, 5), (9, 9)]), patience=3)
    assert len(result.epochs) == 5
    assert result.best.epoch == 1
    assert not result.stopped  # from outside


def test_fold_that_still_rises_does_not_keep_training_alive() -> None:
    result = train(ScriptedTrainer([(9, 0), (7, 1), (5, 2), (3, 3), (9, 9)]), patience=3)
    assert (len(result.epochs), result.best.epoch) == (4, 0)


def test_probabilities_are_those_of_the_best_epoch_of_the_mean_for_every_fold() -> None:
    result = train(ScriptedTrainer([(9, 1), (8, 8), (1, 9), (1, 1), (1, 1)]), patience=3)
    assert result.best.epoch == 1  # the best of neither fold
    assert result.probabilities is not None
    np.testing.assert_allclose(result.probabilities[: 2 * N].max(axis=1), 0.89, atol=1e-3)
    assert (result.probabilities[: 2 * N].argmax(axis=1) == 0).sum() == 16


def test_images_never_validated_have_no_probabilities() -> None:
    whole = TASK.out_of_fold([np.full((N, 2), 0.25), np.full((N, 2), 0.75)])
    assert whole.shape == (3 * N, 2)
    assert whole.dtype == np.float16
    assert (whole[:N] == 0.25).all()
    assert (whole[N : 2 * N] == 0.75).all()
    assert np.isnan(whole[2 * N :]).all()


def test_report_stops_training_and_the_best_epoch_so_far_is_kept() -> None:
    result = train(ScriptedTrainer([(5, 5), (6, 6), (7, 7)]), lambda epoch, score: epoch == 1)
    assert len(result.epochs) == 2
    assert result.stopped
    assert result.probabilities is not None
    np.testing.assert_allclose(result.probabilities[: 2 * N].max(axis=1), 0.89, atol=1e-3)


@pytest.mark.parametrize(
    ("curve", "last"),
    [([(5, 5)] * 8, 3), ([(1, 1), (2, 2), (3, 3)], 2)],
    ids=["patience", "epochs"],
)
def test_report_cannot_stop_what_has_come_to_its_end(
    curve: list[tuple[int, int]], last: int
) -> None:
    for epoch in range(last + 1):
        trainer = ScriptedTrainer(curve)
        epochs = min(8, len(curve))
        result = train(trainer, lambda now, _, epoch=epoch: now == epoch, epochs=epochs, patience=3)
        assert (len(result.epochs), result.stopped) == (epoch + 1, epoch < last)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
@pytest.mark.parametrize("before", [[], [1.0, 1.0]])
def test_loss_that_is_no_number_makes_a_configuration_infeasible(
    before: list[float], loss: float
) -> None:
    told = Told()
    trainer = ScriptedTrainer([(5, 5)] * 4, losses=[*before, loss, 1.0])
    with pytest.raises(InfeasibleError, match=f"became NaN or infinite in epoch {len(before)}"):
        train(trainer, told)
    assert told.epochs == list(range(len(before)))


def test_training_that_takes_longer_than_it_may_is_infeasible() -> None:
    trainer = ScriptedTrainer([(5, 5), (6, 6)])
    with pytest.raises(
        InfeasibleError, match=r"training took .* s, \[limits\] trial_seconds allows 1e-09"
    ):
        train(trainer, trial_seconds=1e-9)
    assert trainer.trained == []  # it asks in the middle of an epoch


def test_time_that_was_trained_before_a_checkpoint_counts() -> None:
    checkpoints = LastCheckpoint()
    train(ScriptedTrainer(CURVE), lambda epoch, score: epoch == 1, checkpoints=checkpoints)
    assert checkpoints.kept is not None
    checkpoints.kept = replace(checkpoints.kept, seconds=100.0)
    with pytest.raises(InfeasibleError, match=r"took 1\d\d\.\d s, .* allows 60"):
        train(ScriptedTrainer(CURVE), checkpoints=checkpoints, trial_seconds=60.0)


CURVE = [(5, 5), (8, 8), (6, 6), (7, 7), (6, 6), (9, 9)]


@pytest.mark.parametrize("n_done", [1, 2, 4])
@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_training_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(
    schedule: str, n_done: int
) -> None:
    whole = train(ScriptedTrainer(CURVE), schedule=schedule)
    checkpoints = LastCheckpoint()
    train(
        ScriptedTrainer(CURVE),
        lambda epoch, score: epoch == n_done - 1,
        schedule=schedule,
        checkpoints=checkpoints,
    )
    told, trainer = Told(), ScriptedTrainer(CURVE)
    result = train(trainer, told, schedule=schedule, checkpoints=checkpoints)
    assert result.epochs == whole.epochs
    assert told.epochs == trainer.trained == list(range(n_done, len(whole.epochs)))
    np.testing.assert_array_equal(result.probabilities, whole.probabilities)


def test_checkpoint_of_the_last_epoch_is_not_trained_beyond() -> None:
    checkpoints = LastCheckpoint()
    whole = train(ScriptedTrainer(CURVE), checkpoints=checkpoints)
    trainer = ScriptedTrainer(CURVE)
    assert train(trainer, checkpoints=checkpoints).epochs == whole.epochs
    assert trainer.trained == []


def test_plateau_hears_the_mean_over_folds() -> None:
    trainer = ScriptedTrainer(
        [(5, 5), (6, 4), (7, 3), (8, 2), (9, 1), (9, 2)]
    )  # folds move, the mean does not
    train(trainer, schedule="plateau", epochs=6, patience=8)
    assert trainer.rates == pytest.approx([0.01] * 4 + [0.003] * 2)


@pytest.mark.parametrize(
    ("score", "expected"),
    [("accuracy", 0.9), ("balanced_accuracy", 0.75), ("macro_f1", (16 / 17 + 2 / 3) / 2)],
)
def test_folds_are_scored_as_the_sweep_says(score: str, expected: float) -> None:
    labels = np.r_[np.zeros(N - 2, np.int64), np.ones(2, np.int64)]
    task = Task(labels=labels, n_classes=2, train_rows=[np.arange(N)], valid_rows=[np.arange(N)])
    trainer = ScriptedTrainer([(N - 1,)])
    result = Lockstep(
        trainer=trainer,
        task=task,
        params=Params(),
        settings=Training(epochs=1),
        evaluators=chosen_scores(Search(score=score)),
        report=keep_going,
    ).run()
    assert result.best.mean == pytest.approx(expected)
