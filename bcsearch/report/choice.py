"""What a study chose at its end, and why, as lines and tables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bcsearch.errors import listed
from bcsearch.records.choice import FIRST_START, LINEAR_HEAD, trial_name
from bcsearch.records.ending import Gain
from bcsearch.report.columns import aligned, spread_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import StudyRecord
    from bcsearch.records.choice import Choice, Repeated, Way


def choice_lines(study: StudyRecord) -> list[str]:
    """Say which trial is the winner by its repeats, how sure that is, and what ships."""
    choice = study.current_choice
    if choice is None:
        return []
    named = choice.of(choice.named)
    if named is None:
        return []
    fresh = "fresh folds and seeds" if choice.fresh_folds else "fresh seeds, the folds as given"
    times = "once" if choice.n_repeats == 1 else f"{choice.n_repeats} times"
    lines = [
        f"{trial_name(choice.named)} is named, the best of {choice.n_compared} trained again "
        f"{times} on {fresh}: {choice.score} {spread_text(named.scores[choice.score])}; "
        f"{named.searched:.4f} in the search, where its epoch was chosen on the same images"
    ]
    best = None if study.best is None else choice.of(study.best.number)
    if best is not None and best.trial != choice.named:
        lines.append(
            f"{trial_name(best.trial)}, the best of the search with {best.searched:.4f}, "
            f"has {spread_text(best.scores[choice.score])} trained again"
        )
    chances = [_chance(choice, number, chance) for number, chance in choice.chances.items()]
    if chances:
        lines.append(f"chance that {trial_name(choice.named)} is better than {listed(chances)}")
    return [*lines, *_shifted_lines(study, choice, named), *_ships(choice)]


def choice_tables(study: StudyRecord) -> list[str]:
    """Return tables of what was trained again, and of the ways to make a model."""
    choice = study.current_choice
    if choice is None:
        return []
    names = list(choice.repeated[0].scores)
    rows = [
        (
            f"  {trial_name(each.trial)}",
            f"{each.searched:.4f}",
            *(spread_text(each.scores[name]) for name in names),
        )
        for each in sorted(choice.repeated, key=lambda each: -each.mean(choice.score))
    ]
    tables = [aligned(rows, ("  trained again", "search", *names), right=(1,))]
    if choice.ways:
        rows = [
            (
                f"  {way.name}{', ships' if way is choice.way else ''}",
                *(spread_text(way.scores[name]) for name in names),
                f"{way.milliseconds:.1f}",
                f"{way.megabytes:.1f}",
                _members(way.trials),
            )
            for way in choice.ways
        ]
        headings = ("  could ship", *names, "ms an image", "MB", "of")
        right = (len(names) + 1, len(names) + 2)
        tables.append(aligned(rows, headings, right=right))
    return tables


def _chance(choice: Choice, number: int, chance: float) -> str:
    other = choice.of(number)
    scored = "" if other is None else f" ({other.mean(choice.score):.4f})"
    what = ", the first start point" if number == FIRST_START else ""
    return f"{trial_name(number)}{what}{scored}: {chance:.2f}"


def _members(trials: Sequence[int]) -> str:
    """Return the members of a way, those that count several times with their number."""
    counts = Counter(trials)
    told = [
        trial_name(number) + (f" x {count}" if count > 1 else "")
        for number, count in counts.items()
    ]
    return ", ".join(told)


def _shifted_lines(study: StudyRecord, choice: Choice, named: Repeated) -> list[str]:
    """Say what scores on shifted images, and whether another trial is better there."""
    name = f"{choice.score}@shift"
    if "@" in choice.score or name not in named.scores:
        return []
    by_score = sorted(choice.repeated, key=lambda each: -each.mean(name))
    shown = list(dict.fromkeys([each.trial for each in by_score[:3]] + [named.trial]))
    told = [
        f"{trial_name(each.trial)} {spread_text(each.scores[name])}"
        for each in by_score
        if each.trial in shown
    ]
    lines = [f"{name} (ranks models, is no estimate): {', '.join(told)}"]
    first = by_score[0]
    pairs = zip(first.scores[name], named.scores[name], strict=True)
    gain = Gain.of("", [other - own for other, own in pairs])
    if choice.ships == "refit" and gain.wins and len(named.scores[name]) > 1:
        line = (
            f"{trial_name(first.trial)} holds better on shifted images than "
            f"{trial_name(named.trial)}, by {gain.mean:.4f} ± {gain.noise:.4f}"
        )
        if first.trial != LINEAR_HEAD:
            command = f"bcsearch refit {study.option} --trial {first.trial}"
            line += f"; '{command}' makes its model"
        lines.append(line)
    return lines


def _ships(choice: Choice) -> list[str]:
    ways = {way.name: way for way in choice.ways}
    if len(ways) < 2:
        return [f"ships: {choice.ships}"]
    simplest = ways[choice.ships]
    others = [_compared(choice, way, simplest) for way in ways.values() if way is not simplest]
    return [f"ships: {choice.ships}; beside it {', '.join(others)}"]


def _compared(choice: Choice, way: Way, ships: Way) -> str:
    pairs = zip(way.scores[choice.score], ships.scores[choice.score], strict=True)
    gain = Gain.of(way.name, [other - own for other, own in pairs])
    told = f"{way.name} {gain.mean:+.4f} ± {gain.noise:.4f}"
    shifted = f"{choice.score}@shift"
    if shifted in way.scores:
        told += f" (shifted {way.mean(shifted) - ships.mean(shifted):+.4f})"
    return told
