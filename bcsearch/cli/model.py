"""Commands that use a finished model: evaluate and predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("evaluate")(evaluate)
    app.command("predict")(predict)


def evaluate(
    model: options.Model,
    data: Annotated[
        str, typer.Option("--data", help="Labelled images: an .npz or a folder of class folders.")
    ],
    as_json: options.Json = False,
) -> int:
    """Score a finished model on labelled images that it has not seen."""
    with quiet_imports():
        from bcsearch.data.source import load_images
        from bcsearch.export.bundle import read_bundle
        from bcsearch.export.evaluate import evaluate as score
        from bcsearch.report.evaluation import evaluation_text
    bundle = read_bundle(model)
    if bundle.about.get("data", {}).get("drawn"):
        options.say(
            "note: the model was trained on the demo's DRAWN cells and has seen no real ones",
            error=True,
        )
    found = score(bundle, load_images(data, bundle.input_size))
    options.show(found, evaluation_text, as_json=as_json)
    return 0


def predict(
    model: options.Model,
    data: Annotated[
        str, typer.Option("--data", help="Images: an .npz or a folder; labels are not needed.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
) -> int:
    """Write the predicted class and the probabilities of every image to a CSV file."""
    with quiet_imports():
        from bcsearch.data.source import load_images
        from bcsearch.export.bundle import read_bundle
        from bcsearch.export.tables import predictions_csv
        from bcsearch.paths import is_stream, replacing
    bundle = read_bundle(model)
    images = load_images(data, bundle.input_size)
    probabilities = bundle.predict(images.images)
    with replacing(out) as draft:
        draft.write_text(
            predictions_csv(images.row_names, bundle.class_names, probabilities.tolist()),
            encoding="utf-8",
        )
    options.say(f"{len(probabilities)} predictions: {out}", error=is_stream(out))
    return 0
