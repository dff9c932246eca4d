"""Commands that use a finished model: evaluate and predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("evaluate")(evaluate)
    app.command("predict")(predict)


@options.takes("images_key", "labels_key", "layout", "skip_damaged", "white")
def evaluate(
    model: options.Model,
    data: Annotated[
        str, typer.Option("--data", help="Labelled images: whatever 'run' reads, or a test part.")
    ],
    chosen: RunOptions,
    class_names: Annotated[
        str | None,
        typer.Option(
            "--class-names", help="Names of the classes 0, 1, 2 ..., where one side has numbers."
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Score a finished model on labelled images that it has not seen."""
    with quiet_imports():
        from bcsearch.data.source import load_images
        from bcsearch.export.bundle import read_bundle
        from bcsearch.export.evaluate import evaluate as score
        from bcsearch.export.evaluate import match_labels
        from bcsearch.report.evaluation import evaluation_text, seen_note, unlike_note
    bundle = read_bundle(model)
    if bundle.about.get("data", {}).get("drawn"):
        _say(
            "the model was trained on the demo's DRAWN cells and has seen no real ones", error=True
        )
    images = load_images(data, bundle.input_size, chosen.over_reading(bundle.reading))
    names = None
    if class_names is not None:
        names = [name.strip() for name in class_names.split(",")]
    matched = match_labels(images, bundle.class_names, names)
    scores = score(bundle, images, names)
    options.show(scores, evaluation_text, as_json=as_json)
    unlike = unlike_note(scores.n_images, scores.unlike)
    _say(*images.notes, matched.note, seen_note(scores), unlike, error=as_json)
    return 0


@options.takes("images_key", "labels_key", "layout", "skip_damaged", "white")
def predict(
    model: options.Model,
    data: Annotated[
        list[str],
        typer.Option("--data", help="Images, a folder, arrays or a pattern; may be given again."),
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    chosen: RunOptions,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[MORE]...", help="More of what --data takes.")
    ] = None,
) -> int:
    """Write the predicted class and the probabilities of every image to a CSV file."""
    with quiet_imports():
        from bcsearch.data.source import load_unlabelled
        from bcsearch.export.bundle import read_bundle
        from bcsearch.export.tables import PREDICTED, predictions_csv
        from bcsearch.paths import is_stream, refuse_others, replacing
        from bcsearch.report.evaluation import unlike_note
    refuse_others(out, ",".join(PREDICTED), "table of predictions")
    bundle = read_bundle(model)
    reading = chosen.over_reading(bundle.reading)
    images = load_unlabelled([*data, *(more or ())], bundle.input_size, reading)
    _say(*images.notes, error=is_stream(out))
    probabilities = bundle.predict(images.images)
    unlike = bundle.unlike(images.images)
    alone = None if unlike is None else unlike.alone
    differences = None if unlike is None else unlike.differences
    _say(unlike_note(len(probabilities), differences), error=is_stream(out))
    names, classes = images.row_names, bundle.class_names
    with replacing(out) as draft:
        draft.write_text(
            predictions_csv(names, classes, probabilities.tolist(), alone), encoding="utf-8"
        )
    options.say(f"{len(probabilities)} predictions: {out}", error=is_stream(out))
    return 0


def _say(*notes: str, error: bool = False) -> None:
    """Print what was taken for what; on stderr where a program reads the result."""
    for note in filter(None, notes):
        options.say(f"note: {note}", error=error)
