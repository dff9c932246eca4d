"""Where a trial goes wrong, as one page for a browser."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bcsearch.export.page import page, shown, thumbnail
from bcsearch.records.choice import trial_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.data.dataset import Dataset
    from bcsearch.records.diagnosis import Diagnosis, Mistake

MARK = "bcsearch diagnosis"
MOST_SHOWN = 120  # images


def diagnosis_page(found: Diagnosis, dataset: Dataset) -> str:
    """Return the page as HTML; names of classes and files are escaped, and nothing is run."""
    title = f"{found.study}, {trial_name(found.trial)}"
    parts = [
        f"<h1>Where {shown(title)} goes wrong</h1>",
        f"<p>{found.n_images} images of {shown(dataset.source)}, each predicted by a network that "
        f"was not trained on it: accuracy {found.accuracy:.4f}, macro F1 {found.macro_f1:.4f}.</p>",
        "<h2>Class by class</h2>",
        _classes(found),
        "<h2>Confusion</h2><p>True classes in rows, predicted ones in columns; shaded by the "
        "share of the row.</p>",
        _confusion(found),
        "<h2>Most confused</h2>",
        _pairs(found),
    ]
    if found.shifted:
        shifted = [(name, f"{value:.4f}") for name, value in found.shifted.items()]
        parts += [
            "<h2>On shifted images</h2><p>For comparing models and kinds of change; no estimate of "
            "the accuracy on images of elsewhere.</p>",
            _table(("score", ""), shifted),
        ]
    else:
        parts.append("<p>It was not scored on shifted images.</p>")
    mistakes = "".join(_mistake(each, dataset) for each in found.mistakes[:MOST_SHOWN])
    n_wrong = sum(map(sum, found.confusion)) - sum(
        row[number] for number, row in enumerate(found.confusion)
    )
    parts.append(
        f"<h2>Surest and wrong: {min(MOST_SHOWN, len(found.mistakes))} of {n_wrong}</h2>"
        f'<div class="gallery">{mistakes}</div>'
    )
    return page(title, parts, MARK)


def _classes(found: Diagnosis) -> str:
    headings = ("class", "images", "precision", "recall", "F1", "confidence", "suggested weight")
    rows = []
    for name, scored in found.per_class.items():
        shares = (scored.precision, scored.recall, scored.f1, found.confidence.get(name))
        told = ["-" if value is None else f"{value:.3f}" for value in shares]
        rows.append((name, str(scored.images), *told, f"{found.weights[name]:.2f}"))
    return _table(headings, rows)


def _confusion(found: Diagnosis) -> str:
    names = list(found.per_class)
    heads = "".join(f"<th>{shown(name)}</th>" for name in names)
    rows = []
    for name, counts in zip(names, found.confusion, strict=True):
        total = max(1, sum(counts))
        cells = "".join(
            f'<td class="number" style="background: rgba(23, 74, 140, {0.6 * count / total:.2f})">'
            f"{count}</td>"
            for count in counts
        )
        rows.append(f"<tr><th>{shown(name)}</th>{cells}</tr>")
    return f"<table><tr><th></th>{heads}</tr>{''.join(rows)}</table>"


def _pairs(found: Diagnosis) -> str:
    rows = [
        (each.true, each.predicted, str(each.images), f"{100 * each.share:.1f} %")
        for each in found.pairs
    ]
    return _table(("class", "taken for", "images", "of its class"), rows)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{shown(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{heads}</tr>{body}</table>"


def _mistake(found: Mistake, dataset: Dataset) -> str:
    name = f", {dataset.names[found.row]}" if dataset.names is not None else ""
    return (
        f'<figure><img alt="row {found.row}" src="{thumbnail(dataset.images[found.row])}">'
        f'<figcaption><span class="row">row {found.row}{shown(name)}</span> {shown(found.true)} '
        f"taken for {shown(found.predicted)}: {found.probability:.2f} against {found.of_true:.2f}"
        "</figcaption></figure>"
    )
