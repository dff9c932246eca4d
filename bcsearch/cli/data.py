"""Commands on data."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options

app = typer.Typer(help="Look at images before anything is trained on them.")


@app.callback()
def _group() -> None:
    """Look at images before anything is trained on them."""


@app.command("info")
def info(
    path: Annotated[str, typer.Argument(help="An .npz, a folder of class folders, or 'demo'.")],
    as_json: options.Json = False,
) -> int:
    """Show shape, classes, counts, value range and fingerprint of a dataset."""
    from bcsearch.data import describe, load_dataset
    from bcsearch.report.dataset import dataset_text

    options.show(describe(load_dataset(path)), dataset_text, as_json=as_json)
    return 0
