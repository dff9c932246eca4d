from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bcsearch.errors import StudyError
from bcsearch.records import StudyRecord, TrialState
from bcsearch.report.summary import (
    BEST_SHOWN,
    ScoreFacts,
    UnseenFacts,
    best_facts,
    best_text,
    status_facts,
    status_text,
)


def test_status_counts_slots_and_states_and_ranks_completed_trials(study: StudyRecord) -> None:
    facts = status_facts(study)
    assert (facts.trials_done, facts.trials_wanted) == (3, 10)
    assert facts.states == {"running": 1, "complete": 2, "pruned": 1}
    assert (facts.retried, facts.failed) == (0, 1)
    assert [best.trial for best in facts.best] == [2, 0]


def test_attempts_of_lost_workers_stand_apart_so_that_the_rest_fills_the_slots(
    study: StudyRecord,
) -> None:
    lost = replace(study.trials[4], number=5)
    retries = (
        replace(study.trials[2], number=6, retry_of=5),
        replace(study.trials[3], number=7, retry_of=4),
    )
    facts = status_facts(replace(study, trials=(*study.trials, lost, *retries)))
    assert (facts.retried, facts.failed, facts.trials_done) == (2, 0, 4)
    assert facts.states == {"running": 2, "complete": 3, "pruned": 1}
    assert "(2 running, 3 complete, 1 pruned; besides these 2 lost and retried)" in status_text(
        facts
    )


def test_configuration_is_what_acted_drawn_or_fixed(study: StudyRecord) -> None:
    facts = best_facts(replace(study, trials=study.trials[:2]))
    assert facts.params == {"backbone": "custom", "learning_rate": 0.00123, "units_1": 128}
    assert "  backbone = custom\n" in best_text(facts)
    line = "  trial 0: accuracy 0.8000 custom at 96 pixels, 128 learning_rate=0.0012"
    assert line in status_text(status_facts(study))


def test_number_of_views_is_not_shown_where_every_epoch_has_its_own(study: StudyRecord) -> None:
    assert study.best is not None
    trial = replace(study.best, acting={"augment": "light", "views": 4})
    for fingerprint, shown in (({}, True), ({"views.mode": "online"}, False)):
        online = replace(study, trials=(trial,), fingerprint=fingerprint)
        assert ("views" in best_facts(online).params) == shown


def test_images_and_weights_that_scores_stand_on_are_said(study: StudyRecord) -> None:
    marked = replace(
        study,
        data="demo",
        fingerprint={
            "weights.custom": "random",
            "weights.efficientnet_lite0": "imagenet 5f3a",
            "weights.seed": "0",
            "dataset": "1234",
        },
    )
    lines = status_text(status_facts(marked)).splitlines()
    assert lines[1] == (
        "  data: the demo, DRAWN cells and no real images; "
        "weights: random (custom), imagenet (efficientnet_lite0)"
    )
    best = best_facts(replace(marked, data="cells.npz", trials=study.trials[:1]))
    assert best_text(best).splitlines()[1] == "  data: cells.npz; weights: random (custom)"


def test_status_shows_the_best_few_only(study: StudyRecord) -> None:
    many = replace(
        study, trials=tuple(replace(study.trials[0], number=number) for number in range(9))
    )
    assert [best.trial for best in status_facts(many).best] == list(range(BEST_SHOWN))


def test_best_has_all_scores_at_its_best_epoch(study: StudyRecord) -> None:
    facts = best_facts(replace(study, trials=study.trials[:2]))
    assert (facts.trial, facts.score, facts.epochs, facts.seconds) == (0, 0.8, 2, 2.5)
    assert facts.score_name == "accuracy"
    accuracy, macro_f1 = facts.scores["accuracy"], facts.scores["macro_f1"]
    assert accuracy.folds == (0.7, 0.9)
    assert (accuracy.mean, accuracy.spread) == pytest.approx((0.8, 0.02**0.5))
    assert (macro_f1.mean, macro_f1.spread) == pytest.approx((0.4, 0.02**0.5 / 2))


def test_best_before_the_first_completed_trial_is_one_clear_line(study: StudyRecord) -> None:
    pruned = tuple(trial for trial in study.trials if trial.state is not TrialState.COMPLETE)
    with pytest.raises(
        StudyError, match=r"^study 'cells-2' has no completed trial; run more with 'bcsearch run'$"
    ):
        best_facts(replace(study, trials=pruned))


def test_one_fold_has_no_spread(study: StudyRecord) -> None:
    only = replace(
        study.trials[2],
        epochs=(replace(study.trials[2].epochs[0], scores={"accuracy": (0.9,)}),),
    )
    facts = best_facts(replace(study, trials=(only,)))
    assert facts.scores == {"accuracy": ScoreFacts(mean=0.9, folds=(0.9,), spread=None)}
    assert best_text(facts).splitlines() == [
        "study cells-2, trial 2: accuracy 0.9000 after 1 epochs",
        "  at that epoch    mean  spread  folds",
        "  accuracy       0.9000          0.9000",
        "  optimizer = sgd",
    ]


def about(**changes: Any) -> dict[str, Any]:
    """Return the description in the bundle of trial 2."""
    test = {"n_images": 48, "accuracy": 0.875, "macro_f1": 0.75}
    return {"study": {"uuid": "u"}, "best": {"trial": 2, "score": 0.9}, "test": test, **changes}


def test_score_on_the_test_part_is_that_of_the_refitted_trial(study: StudyRecord) -> None:
    facts = best_facts(study, about())
    assert facts.test == UnseenFacts(n_images=48, accuracy=0.875, macro_f1=0.75)
    part = "test part, 48 images never used in training or choosing"
    line = f"  {part}: accuracy 0.8750, macro F1 0.7500"
    assert line in best_text(facts).splitlines()
    assert [best.test is not None for best in status_facts(study, about()).best] == [True, False]


@pytest.mark.parametrize(
    "description",
    [
        None,
        {},
        about(study={"uuid": "another"}),
        about(best={"trial": 0, "score": 0.9}),
        about(best={"trial": 2, "score": 0.8}),
        about(test={}),
        about(test={"n_images": 48, "accuracy": "good", "macro_f1": 0.75}),
        about(study="u", best=2),
    ],
    ids=[
        "no bundle",
        "empty",
        "another study",
        "another trial",
        "a copy of the study",
        "no test part",
        "no number",
        "no tables",
    ],
)
def test_other_bundles_give_no_score_on_the_test_part(
    description: dict[str, Any] | None, study: StudyRecord
) -> None:
    facts = best_facts(study, description)
    assert facts.test is None
    assert "test part" not in best_text(facts)


def test_status_in_lines(study: StudyRecord) -> None:
    assert status_text(status_facts(study)).splitlines() == [
        "study cells-2: 3 of 10 trials done "
        "(1 running, 2 complete, 1 pruned; besides these 1 failed)",
        "  trial 2: accuracy 0.9000 efficientnet_lite0 at 96 pixels, 256 optimizer=sgd",
        "  trial 0: accuracy 0.8000 custom at 96 pixels, 128 learning_rate=0.0012",
    ]
    assert "(no trials yet)" in status_text(status_facts(replace(study, trials=())))


def test_best_in_lines(study: StudyRecord) -> None:
    assert best_text(best_facts(replace(study, trials=study.trials[:1]))).splitlines() == [
        "study cells-2, trial 0: accuracy 0.8000 after 2 epochs",
        "  at that epoch    mean  spread  folds",
        "  accuracy       0.8000  0.1414  0.7000 0.9000",
        "  macro_f1       0.4000  0.0707  0.3500 0.4500",
        "  backbone = custom",
        "  learning_rate = 0.00123",
        "  units_1 = 128",
    ]
