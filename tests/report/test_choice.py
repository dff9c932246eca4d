from __future__ import annotations

from dataclasses import replace
from typing import Any

from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.records.choice import LINEAR_HEAD, Choice, Repeated, Way
from bcsearch.report.choice import choice_lines, choice_tables

TRIALS = tuple(
    TrialRecord(number=number, state=TrialState.COMPLETE, score=score)
    for number, score in enumerate((0.90, 0.92, 0.91))
)
STUDY = StudyRecord(name="a", sweep="a", uuid="u", trials_wanted=3, trials=TRIALS)
SCORES = {
    1: {"accuracy": (0.89, 0.90, 0.91), "accuracy@shift": (0.60, 0.62, 0.61)},
    2: {"accuracy": (0.90, 0.91, 0.92), "accuracy@shift": (0.50, 0.52, 0.51)},
    0: {"accuracy": (0.80, 0.81, 0.82), "accuracy@shift": (0.50, 0.65, 0.70)},
}
CHOICE = Choice(
    trials_done=3,
    score="accuracy",
    n_repeats=1,
    n_compared=3,
    fresh_folds=True,
    repeated=tuple(
        Repeated(trial=number, searched=TRIALS[number].score or 0.0, scores=scores)
        for number, scores in SCORES.items()
    ),
    named=2,
    chances={1: 0.75, 0: 1.0},
)
CHOSEN = replace(STUDY, choice=CHOICE)


def test_nothing_is_said_before_a_choice_or_after_more_trials() -> None:
    assert choice_lines(STUDY) == choice_tables(STUDY) == []
    more = (*TRIALS, TrialRecord(number=3, state=TrialState.PRUNED, score=0.5))
    later = replace(CHOSEN, trials=more)
    assert choice_lines(later) == choice_tables(later) == []
    assert later.named == TRIALS[1]


def test_winner_is_told_with_both_scores_and_its_chances() -> None:
    assert CHOSEN.named == TRIALS[2]
    named, best, chances, shifted, better, ships = choice_lines(CHOSEN)
    assert ships == "ships: refit"
    assert named == (
        "trial 2 is named, the best of 3 trained again once on fresh folds and seeds: "
        "accuracy 0.9100 ± 0.0100; 0.9100 in the search, where its epoch was chosen on the same "
        "images"
    )
    assert best == (
        "trial 1, the best of the search with 0.9200, has 0.9000 ± 0.0100 trained again"
    )
    assert chances == (
        "chance that trial 2 is better than trial 1 (0.9000): 0.75, trial 0, the first start "
        "point (0.8100): 1.00"
    )
    assert shifted == (
        "accuracy@shift (ranks models, is no estimate): trial 0 0.6167 ± 0.1041, "
        "trial 1 0.6100 ± 0.0100, trial 2 0.5100 ± 0.0100"
    )
    assert better.startswith("trial 0 holds better on shifted images than trial 2, by 0.1067 ± ")
    assert better.endswith("; 'bcsearch refit --study a --trial 0' makes its model")


def test_trial_that_is_no_better_there_by_more_than_the_noise_is_not_named() -> None:
    worse = {**SCORES[0], "accuracy@shift": (0.30, 0.65, 0.70)}
    first = replace(CHOICE.repeated[2], scores=worse)
    winner = replace(CHOICE.repeated[1], scores={**SCORES[2], "accuracy@shift": (0.5, 0.52, 0.51)})
    choice = replace(CHOICE, repeated=(winner, first))
    assert not any("holds better" in line for line in choice_lines(replace(STUDY, choice=choice)))


def test_linear_head_that_is_no_worse_than_all_trials_is_the_winner() -> None:
    head = Repeated(trial=LINEAR_HEAD, searched=0.93, scores=SCORES[2])
    choice = replace(
        CHOICE,
        repeated=(*CHOICE.repeated, head),
        named=LINEAR_HEAD,
        linear_head={"head_layers": 0},
    )
    study = replace(STUDY, choice=choice)
    assert study.named is not None
    assert (study.named.number, study.named.score) == (LINEAR_HEAD, 0.93)
    assert choice_lines(study)[0].startswith("the linear head is named, the best of 3")


def test_bundle_of_another_way_is_not_the_one_that_was_chosen() -> None:
    ways = (Way(name="refit", trials=(2,), scores=SCORES[2]),)
    study = replace(STUDY, choice=replace(CHOICE, ways=ways, ships="committee"))
    about: dict[str, Any] = {"best": {"trial": 2, "score": 0.91}, "choice": {"ships": "committee"}}
    assert study.is_made_in(about)
    assert not study.is_made_in({**about, "choice": {}})
    assert not study.is_made_in({**about, "best": {"trial": 1, "score": 0.92}})
    assert not study.is_made_in(None)
    assert CHOSEN.is_made_in({"best": {"trial": 2, "score": 0.91}})  # refit by its number


def test_ways_are_compared_and_the_simplest_that_is_unbeaten_is_told() -> None:
    ways = (
        Way(name="refit", trials=(2,), scores=SCORES[2], milliseconds=5.04, megabytes=13.66),
        Way(name="ensemble", trials=(2, 2, 1), scores=SCORES[1], milliseconds=6.0, megabytes=14.0),
    )
    study = replace(STUDY, choice=replace(CHOICE, ways=ways))
    assert (
        choice_lines(study)[-1]
        == "ships: refit; beside it ensemble -0.0100 ± 0.0000 (shifted +0.1000)"
    )
    again, shipped = choice_tables(study)
    first, best, *_ = again.splitlines()
    assert first.split() == ["trained", "again", "search", "accuracy", "accuracy@shift"]
    assert best.split()[:4] == ["trial", "2", "0.9100", "0.9100"]
    assert shipped.splitlines()[1].split()[-4:] == ["5.0", "13.7", "trial", "2"]
    assert shipped.splitlines()[2].endswith("trial 2 x 2, trial 1")
