"""What a check of the data found, and what a study says of its data, as a few lines."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from bcsearch.records.checked import Verdict
from bcsearch.records.choice import LINEAR_HEAD, trial_name
from bcsearch.records.ending import Gain
from bcsearch.report.columns import aligned, spread_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.records import StudyRecord
    from bcsearch.records.checked import Certificate, DataCheck
    from bcsearch.records.choice import Choice

DONE = {
    Verdict.EXCLUDE: "certainly to be left out",
    Verdict.REVIEW: "to be looked at",
    Verdict.GROUP: "kept, on one side of every fold that bcsearch makes",
}
LOOK = "'bcsearch data check' shows them"


def check_text(check: DataCheck, certificate: Certificate, remedies: Mapping[str, str]) -> str:
    """Return counts by verdict and reason, what to do, and what was seen of the whole set."""
    lines = []
    for verdict, done in DONE.items():
        rows = check.rows(verdict)
        lines.append(f"{len(rows)} of {check.n_images} images {done}")
        reasons = dict.fromkeys(each.reason for each in check.findings if each.verdict is verdict)
        for reason in reasons:
            count = sum(each.reason == reason for each in check.findings)
            lines.append(f"  {reason}: {count} ({remedies.get(reason, '')})")
    lines += measured_lines(certificate)
    lines += check.notes
    lines += [f"left out: {reason}" for reason in check.left_out]
    return "\n".join(lines)


def certificate_lines(certificate: Certificate) -> list[str]:
    """Return what a study does about its data, and what a search has to beat."""
    said = certificate
    lines = []
    if said.set_aside:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in said.set_aside.items())
        n_rows = sum(said.set_aside.values())
        lines.append(f"{n_rows} of {said.n_images} images are set aside ({reasons})")
    if said.n_leaked:
        lines.append(
            f"warning: {said.n_leaked} validation images are changed copies of training images, so "
            "scores are too high; leave them out, or make folds with --join-val"
        )
    elif said.n_grouped:
        lines.append(f"{said.n_grouped} images are copies of one another; no fold splits them")
    if said.n_to_review:
        lines.append(f"{said.n_to_review} images are worth a look; {LOOK}")
    lines += measured_lines(said)
    return lines + [f"left out: {reason}" for reason in said.left_out]


def measured_lines(certificate: Certificate) -> list[str]:
    """Return what is left of copies, what they were worth, and what baselines score."""
    said, lines = certificate, []
    if said.most_alike is not None:
        row, other = said.most_alike.row, said.most_alike.other
        line = f"the most similar images on both sides of a fold are rows {row} and {other}"
        lines.append(f"{line}, cosine {said.most_alike.cosine:.3f}")
    if not said.baselines:
        return lines
    scored = said.baselines[-1].scores[said.score]
    if said.as_it_came:
        without = "without what is set aside"
        if not said.n_leaked:
            without += " and without copies across folds"
        lines.append(
            f"{said.score} of the linear head: {mean(said.as_it_came):.4f} on the data as it came, "
            f"{mean(scored):.4f} {without}"
        )
    return [*lines, _to_beat(said, said.score)]


def baseline_lines(certificate: Certificate) -> list[str]:
    """Return what has to be beaten by the scores that do not rank, a line each."""
    if not certificate.baselines:
        return []
    others = [name for name in certificate.baselines[0].scores if name != certificate.score]
    return [_to_beat(certificate, name) for name in others]


def _to_beat(certificate: Certificate, score: str) -> str:
    told = [f"{each.name} {spread_text(each.scores[score])}" for each in certificate.baselines]
    return f"{score} to beat, by {certificate.seen_by}: {', '.join(told)}"


def baselines_table(certificate: Certificate) -> str:
    """Return every score of every baseline, the mean over folds and their spread."""
    names = list(certificate.baselines[0].scores)
    rows = [
        (f"  {each.name}", *(spread_text(each.scores[name]) for name in names))
        for each in certificate.baselines
    ]
    return aligned(rows, ("  to beat", *names))


def beaten_text(study: StudyRecord) -> str:
    """Say so where the winner is not better than the best baseline by more than fold noise.

    Nothing where it is, or where either is not known. Both are scored on the same folds, those of
    the repeats where these were made; the noise is the standard deviation over folds of what the
    winner gains, not known on a single split.
    """
    choice = study.current_choice
    if choice is not None and choice.of(LINEAR_HEAD) is not None:
        return _beaten_again(choice)
    certificate, best = study.certificate, study.best
    if certificate is None or certificate.to_beat is None or best is None or best.best is None:
        return ""
    theirs = certificate.to_beat.scores.get(study.score, ())
    ours = best.best.scores.get(study.score, ())
    if not ours or len(ours) != len(theirs):
        return ""
    named = None if choice is None else choice.of(choice.named)
    if named is not None:  # on other folds, so the spread of both counts
        ours, theirs = named.scores[study.score], (mean(theirs),) * len(named.scores[study.score])
        return _beaten(trial_name(named.trial), certificate.to_beat.name, study.score, ours, theirs)
    return _beaten(trial_name(best.number), certificate.to_beat.name, study.score, ours, theirs)


def _beaten_again(choice: Choice) -> str:
    """Say so where the linear head is not beaten by the repeats."""
    if choice.named == LINEAR_HEAD:
        return "no trial is better than the baseline 'linear head', which is the winner"
    named, head = choice.of(choice.named), choice.of(LINEAR_HEAD)
    if named is None or head is None:
        return ""
    ours, theirs = named.scores[choice.score], head.scores[choice.score]
    return _beaten(trial_name(choice.named), "linear head", choice.score, ours, theirs)


def _beaten(
    name: str, baseline: str, score: str, ours: Sequence[float], theirs: Sequence[float]
) -> str:
    """Say so where a baseline is not beaten, given the scores of both in the same folds."""
    gain = Gain.of(baseline, [mine - other for mine, other in zip(ours, theirs, strict=True)])
    if gain.wins:
        return ""
    compared = f"{score} {mean(ours):.4f} against {mean(theirs):.4f}"
    line = f"{name} does not beat the baseline {baseline!r}"
    if len(ours) == 1:
        return f"{line}: {compared}, on a single split"
    by = f"a gain of {gain.mean:+.4f} ± {gain.noise:.4f}"
    return f"{line} by more than the fold noise: {compared}, {by}"
