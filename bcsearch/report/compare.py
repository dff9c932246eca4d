"""Studies side by side: the best trial of each, or of each value of a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bcsearch.errors import ConfigError, StudyError
from bcsearch.recipe import BY_NAME, Params, unknown
from bcsearch.records.choice import LINEAR_HEAD, trial_name
from bcsearch.report.columns import aligned, short
from bcsearch.report.summary import trial_facts
from bcsearch.report.trials import configuration_text, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.records import StudyRecord, TrialRecord
    from bcsearch.records.backbones import BackboneFacts

RIGHT = (  # headings of columns that are aligned to the right
    "trials", "best", "score", "spread", "repeated", "shifted", "test accuracy", "parameters",
    "ms/image", "training s",
)  # fmt: skip
LEGEND = (
    "repeated, shifted: what ships scores on clean and on shifted images, trained again on fresh "
    "folds; trials: those that completed"
)
LONG = ("parameters", "ms/image", "training s", "weights", "configuration")  # left out in brief


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One line: the best of some trials of one study.

    Attributes:
        value: what these trials have in common, of the parameter that is compared; else nothing.
        trials: how many of them completed.
        score: the mean over folds of the best one, by ``score_name``; ``spread`` is the folds'
            standard deviation, None for a single split.
        folds: how many it was validated on.
        ships: the way its model was made; empty where none was compared.
        repeated, shifted: what that way scores on the folds of repeats, on clean images and on
            shifted ones; None where not known.
        test: accuracy of its finished model on images held out; None where there is none.
        parameters: weights of its backbone.
        milliseconds: for an image in a frozen pass on this machine; None where not measured.
        seconds: of training it.
        weights: what its backbone started from.
    """

    study: str
    value: str
    trials: int
    trial: int
    score_name: str
    score: float
    spread: float | None
    folds: int
    ships: str
    repeated: float | None
    shifted: float | None
    test: float | None
    backbone: str
    parameters: int | None
    milliseconds: float | None
    seconds: float | None
    weights: str
    configuration: str


def compare(
    studies: Sequence[tuple[StudyRecord, Mapping[str, Any] | None]],
    by: str | None,
    backbones: Mapping[str, BackboneFacts],
) -> list[Compared]:
    """Return lines, the best first within each study or value.

    Args:
        studies: each with all its trials and the description of its finished model.
        by: the parameter whose values are compared; None compares whole studies.
        backbones: what is known of those that the trials use.

    Raises:
        ConfigError: there is no such parameter.
        StudyError: no trial of any study has completed.
    """
    if by is not None and (by not in BY_NAME or BY_NAME[by].sets):
        raise ConfigError(f"--by: {unknown('parameter', by, Params())}")
    lines = []
    for study, about in studies:
        if by is None and study.named is not None:
            lines.append(_line(study, about, "", [study.named, *study.ranked], backbones))
            continue
        groups: dict[str, list[TrialRecord]] = {}
        for trial in study.ranked:
            value = short(_params(trial)[by or "backbone"], 4)
            groups.setdefault(value, []).append(trial)
        lines += [_line(study, about, value, of, backbones) for value, of in groups.items()]
    if not lines:
        raise StudyError(f"no trial has completed in {', '.join(s.name for s, _ in studies)}")
    best: dict[str, float] = {}
    for line in lines:
        best[line.value] = max(line.score, best.get(line.value, line.score))
    return sorted(lines, key=lambda line: (-best[line.value], line.value, -line.score))


def backbones_of(studies: Sequence[StudyRecord]) -> dict[str, int]:
    """Return the backbones of all completed trials, with the image size of the best of each."""
    sizes: dict[str, int] = {}
    for study in studies:
        for params in map(_params, study.ranked):
            sizes.setdefault(str(params["backbone"]), int(params["image_size"]))
    return sizes


def compared_text(lines: Sequence[Compared], *, brief: bool = False) -> str:
    """Return the lines as a table; columns that are empty everywhere are left out.

    In ``brief`` so are costs and configurations.
    """
    headings = (
        "value", "study", "trials", "best", "score", "spread", "validated on", "ships", "repeated",
        "shifted", "test accuracy", "parameters", "ms/image", "training s", "weights",
        "configuration",
    )  # fmt: skip
    rows = [_cells(line) for line in lines]
    shown = [place for place in range(len(headings)) if any(row[place] for row in rows)]
    if brief:
        shown = [place for place in shown if headings[place] not in LONG]
    right = {place for place, name in enumerate(headings) if name in RIGHT}
    table = aligned(
        [[row[place] for place in shown] for row in rows],
        [headings[place] for place in shown],
        right=[number for number, place in enumerate(shown) if place in right],
    )
    if any(line.ships for line in lines):
        table += f"\n{LEGEND}"
    return table


def _cells(line: Compared) -> tuple[str, ...]:
    validated = f"{line.folds} folds" if line.folds > 1 else "one split"
    return (
        line.value,
        line.study,
        str(line.trials),
        trial_name(line.trial),
        f"{line.score_name} {line.score:.4f}",
        number(line.spread, 4),
        validated,
        line.ships,
        number(line.repeated, 4),
        number(line.shifted, 4),
        number(line.test, 4),
        f"{line.parameters:,}" if line.parameters is not None else "",
        number(line.milliseconds, 1),
        number(line.seconds, 1),
        line.weights,
        line.configuration,
    )


def _line(
    study: StudyRecord,
    about: Mapping[str, Any] | None,
    value: str,
    trials: Sequence[TrialRecord],
    backbones: Mapping[str, BackboneFacts],
) -> Compared:
    best, params = trials[0], _params(trials[0])
    backbone = str(params["backbone"])
    facts = backbones.get(backbone)
    known = trial_facts(study, best, about)
    ranking = known.scores.get(study.score)
    milliseconds = None
    if facts is not None and facts.images_per_second:
        milliseconds = 1000 / facts.images_per_second
    return Compared(
        study=study.name,
        value=value,
        trials=len({trial.number for trial in trials if trial.number != LINEAR_HEAD}),
        trial=best.number,
        score_name=study.score,
        score=known.score,
        spread=ranking.spread if ranking is not None else None,
        folds=len(ranking.folds) if ranking is not None else 0,
        **_shipped(study, best, about),
        test=known.test.accuracy if known.test is not None else None,
        backbone=backbone,
        parameters=facts.parameters if facts is not None else None,
        milliseconds=milliseconds,
        seconds=best.train_seconds,
        weights=_weights(study, backbone),
        configuration=configuration_text(params),
    )


def _shipped(
    study: StudyRecord, trial: TrialRecord, about: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what the way scores that the study's model was made in, where it is of the trial."""
    choice = study.current_choice
    other = about is not None and not study.is_made_in(about)
    if choice is None or choice.way is None or choice.named != trial.number or other:
        return {"ships": "", "repeated": None, "shifted": None}
    clean = choice.score.partition("@")[0]
    scores = {"repeated": clean, "shifted": f"{clean}@shift"}
    way = choice.way
    found = {key: way.mean(name) if name in way.scores else None for key, name in scores.items()}
    return {"ships": choice.ships, **found}


def _params(trial: TrialRecord) -> Params:
    known = trial.acting or trial.params
    return Params(**{name: value for name, value in known.items() if name in BY_NAME})


def _weights(study: StudyRecord, backbone: str) -> str:
    """Return what a backbone started from, such as ``random weights``."""
    kind = study.weights.get(backbone)
    return f"{kind} weights" if kind else ""
