"""What a check of the data found, and what a study says of its data, as a few lines."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from bcsearch.records.checked import Verdict, spread_text
from bcsearch.records.ending import Gain
from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records import StudyRecord
    from bcsearch.records.checked import Certificate, DataCheck

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
    if said.n_grouped:
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
    if said.to_beat is None:
        return lines
    scored = said.to_beat.scores[said.score]
    if said.as_it_came:
        lines.append(
            f"{said.score} of the linear head: {mean(said.as_it_came):.4f} on the data as it came, "
            f"{mean(scored):.4f} without what is set aside and without copies across folds"
        )
    told = [
        f"{baseline.name} {spread_text(baseline.scores[said.score])}" for baseline in said.baselines
    ]
    lines.append(f"{said.score} to beat, by {said.seen_by}: {', '.join(told)}")
    return lines


def baselines_table(certificate: Certificate) -> str:
    """Return every score of every baseline, the mean over folds and their spread."""
    names = list(certificate.baselines[0].scores)
    rows = [
        (f"  {each.name}", *(spread_text(each.scores[name]) for name in names))
        for each in certificate.baselines
    ]
    return aligned(rows, ("  to beat", *names))


def beaten_text(study: StudyRecord) -> str:
    """Say so where the best trial is not better than the best baseline by more than fold noise.

    Nothing where it is, or where either is not known. Both are scored on the same folds; the noise
    is the standard deviation over folds of what the trial gains.
    """
    certificate, best = study.certificate, study.best
    if certificate is None or certificate.to_beat is None or best is None or best.best is None:
        return ""
    theirs = certificate.to_beat.scores.get(study.score, ())
    ours = best.best.scores.get(study.score, ())
    if not ours or len(ours) != len(theirs):
        return ""
    gains = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    gain = Gain.of(certificate.to_beat.name, gains)
    if gain.wins:
        return ""
    compared = f"{mean(ours):.4f} against {mean(theirs):.4f}, a gain of {gain.mean:+.4f}"
    line = f"trial {best.number} does not beat a {gain.name} by more than the fold noise"
    return f"{line}: {study.score} {compared} ± {gain.noise:.4f}"
