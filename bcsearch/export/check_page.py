"""What a check of the data found, as one page for a browser that needs no other file."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from bcsearch.check.table import CHECKS, REMEDIES
from bcsearch.data.arrays import digests
from bcsearch.export.page import page, shown, thumbnail
from bcsearch.records.checked import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.check.outliers import Similarity
    from bcsearch.data.dataset import Dataset
    from bcsearch.records.checked import DataCheck, DataFinding

SHOWN = {Verdict.EXCLUDE: 60, Verdict.GROUP: 120, Verdict.REVIEW: 240}  # at most of one reason
MOST_CHARACTERS = 7 * 2**20  # of all galleries
MOST_CLASSES = 40  # whose similarity is drawn


def check_page(
    check: DataCheck, dataset: Dataset, similarity: Similarity | None, measured: Sequence[str] = ()
) -> str:
    """Return the page as HTML: counts, what to do, galleries by reason, and how alike images are.

    ``measured`` are lines on the whole set. Names of classes and files are escaped, and nothing on
    the page is run.
    """
    counts = "".join(_count_row(reason, count) for reason, count in check.reasons.items())
    told = [f"<li>{shown(note)}</li>" for note in (*measured, *check.notes)]
    told += [f'<li class="warning">left out: {shown(note)}</li>' for note in check.left_out]
    parts = [
        f"<h1>Data check of {shown(dataset.source)}</h1>",
        f"<p>{check.n_images} images in {dataset.n_classes} classes. "
        f"{len(check.rows(Verdict.EXCLUDE))} are certain to be left out (exclude.csv), "
        f"{len(check.rows(Verdict.REVIEW))} a person should look at (review.csv), "
        f"{len(check.rows(Verdict.GROUP))} stay with another on one side of every fold "
        "(groups.csv). Lines may be moved between the files.</p>",
        f"<table><tr><th>reason</th><th>images</th><th>what to do</th></tr>{counts}</table>",
        f"<ul>{''.join(told)}</ul>",
    ]
    left = MOST_CHARACTERS
    for reason in check.reasons:
        gallery = _gallery(reason, check, dataset, left)
        left -= len(gallery)
        parts.append(gallery)
    if similarity is not None:
        parts += ["<h2>How alike images are</h2>", _drawn(similarity, dataset.class_names)]
    looks = "".join(f"<li>{escape(row.name)}: {escape(row.doc)}</li>" for row in CHECKS.values())
    parts.append(f"<h2>What was looked for</h2><ul>{looks}</ul>")
    return page(f"Data check of {dataset.source}", parts, "bcsearch data check")


def _count_row(reason: str, count: int) -> str:
    anchor = _anchor(reason)
    return (
        f'<tr><td><a href="#{anchor}">{escape(reason)}</a></td><td class="number">{count}</td>'
        f"<td>{escape(REMEDIES.get(reason, ''))}</td></tr>"
    )


def _gallery(reason: str, check: DataCheck, dataset: Dataset, left: int) -> str:
    """Return the first images of a reason, as many as so many characters hold."""
    found = [each for each in check.findings if each.reason == reason]
    pictures: dict[str, list[DataFinding]] = {}  # by pixels: of junk one is enough
    texts = digests(dataset.images[[each.row for each in found]])
    for each, text in zip(found, texts, strict=True):
        pictures.setdefault(text, []).append(each)
    figures: list[str] = []
    for alike in list(pictures.values())[: SHOWN[found[0].verdict]]:
        figure = _figure(alike[0], dataset, len(alike) - 1)
        left -= len(figure)
        if left < 0:
            break
        figures.append(figure)
    title = f"{escape(reason)}: {len(found)}"
    if len(pictures) < len(found):
        title += f", of {len(pictures)} picture{'s' * (len(pictures) > 1)}"
    if len(figures) < len(pictures):
        title += f", the first {len(figures)} of them shown"
    gallery = "".join(figures)
    return f'<h2 id="{_anchor(reason)}">{title}</h2><div class="gallery">{gallery}</div>'


def _figure(found: DataFinding, dataset: Dataset, n_more: int) -> str:
    rows = [found.row]
    if found.other is not None:
        rows.append(found.other)
    images = "".join(
        f'<img alt="row {row}" title="{_titled(row, dataset)}" '
        f'src="{thumbnail(dataset.images[row])}">'
        for row in rows
    )
    label = dataset.class_names[dataset.labels[found.row]]
    more = f" and {n_more} more" if n_more else ""
    return (
        f'<figure>{images}<figcaption><span class="row">row {found.row}{more}</span> '
        f"{shown(label)}: {shown(found.evidence)}</figcaption></figure>"
    )


def _titled(row: int, dataset: Dataset) -> str:
    name = f" {dataset.names[row]}" if dataset.names is not None else ""
    return shown(f"row {row}{name}, {dataset.class_names[dataset.labels[row]]}")


def _drawn(similarity: Similarity, names: Sequence[str]) -> str:
    """Draw the cosines to the nearest, and the mean cosines of classes, as SVG."""
    with rc_context({"svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.hist(similarity.nearest, bins=60, color="#174a8c")
        left.set_xlabel("cosine of features to the nearest other image")
        left.set_ylabel("images")
        drawn = similarity.classes[:MOST_CLASSES, :MOST_CLASSES]
        reach = float(np.abs(drawn).max())
        shades = right.imshow(drawn, cmap="RdBu_r", vmin=-reach, vmax=reach)
        figure.colorbar(shades, ax=right, label="mean cosine")
        places, called = range(len(drawn)), [name[:16] for name in names[:MOST_CLASSES]]
        right.set_xticks(places, called, rotation=90, parse_math=False)
        right.set_yticks(places, called, parse_math=False)
        right.set_title("between the images of two classes")
        file = BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    _, tag, rest = file.getvalue().decode().partition("<svg")
    return tag + rest


def _anchor(reason: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in reason)
