"""Commands on data."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions

app = typer.Typer(help="Look at images before anything is trained on them.")


@app.callback()
def _group() -> None:
    """Look at images before anything is trained on them."""


@app.command("info")
@options.takes(
    "images_key", "labels_key", "layout", "groups", "groups_from", "join_val", "skip_damaged",
    "square", "white", "sweeps_dir",
)  # fmt: skip
def info(
    path: Annotated[
        str, typer.Argument(help="An .npz, .npy files, a folder, a table of paths, or 'demo'.")
    ],
    chosen: RunOptions,
    study: Annotated[
        str, typer.Option("--study", help="Sweep whose images and folds are meant.")
    ] = "quickstart",
    as_json: options.Json = False,
) -> int:
    """Show what was taken for what: classes, counts, sizes, values, and the fingerprint.

    Images are read as a study of the sweep reads them.
    """
    from bcsearch.check.duplicates import exact_duplicates
    from bcsearch.config import load_plan
    from bcsearch.data import describe, load_for_study
    from bcsearch.data.folds import why_no_folds
    from bcsearch.report.dataset import dataset_text

    plan = load_plan(study, chosen.sweeps_dir)
    reading = chosen.over_reading(plan.sweep.reading)
    dataset = load_for_study(path, plan.largest_size, reading)
    copies = exact_duplicates(dataset).findings
    refused = why_no_folds(dataset, plan.sweep.folds)
    options.show(describe(dataset, (*copies, *refused)), dataset_text, as_json=as_json)
    return 0
