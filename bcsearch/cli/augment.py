"""Commands on preprocessing and augmentation: preview."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.errors import ConfigError
from bcsearch.quiet import quiet_imports

app = typer.Typer(help="See what preprocessing and augmentation do to images.")


@app.callback()
def _group() -> None:
    """See what preprocessing and augmentation do to images."""


@app.command("preview")
@options.takes(
    "data", "images_key", "labels_key", "layout", "skip_damaged", "square", "white", "storage",
    "results_dir", "sweeps_dir",
)  # fmt: skip
def preview(  # noqa: PLR0913 - each is an option
    study: options.Study,
    chosen: RunOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="PNG file to write. Default: preview.png in the results."),
    ] = None,
    trial: Annotated[int | None, typer.Option(help="A completed trial. Default: the best.")] = None,
    preprocess: Annotated[
        str | None, typer.Option(help="Operations joined by +, in place of the trial's.")
    ] = None,
    circle_radius: Annotated[
        float | None, typer.Option(help="Radius of the circle, in place of the trial's.")
    ] = None,
    augment: Annotated[
        str | None, typer.Option(help="An augmentation policy, in place of the trial's.")
    ] = None,
    augment_strength: Annotated[
        float | None, typer.Option(help="How much, from 0 to 1, in place of the trial's.")
    ] = None,
    copies: Annotated[
        int, typer.Option(min=1, max=16, help="Changed copies of each image, with augmentation.")
    ] = 4,
) -> int:
    """Write a PNG file of real images beside what a trial's views, or those named, make of them."""
    with quiet_imports():
        from rich.console import Console

        from bcsearch.paths import is_stream, refuse_others, replacing
        from bcsearch.report.live import LiveView
        from bcsearch.report.sheet import MARK, draw_sheet
        from bcsearch.study.preview import preview as sheet_of
    out = out or chosen.results_dir / study / "preview.png"
    refuse_others(out, MARK, "contact sheet")
    if out.suffix.lower() != ".png" and not is_stream(out):
        raise ConfigError(f"--out {out}: came {out.suffix!r}; a contact sheet is a .png file")
    asked = {
        "preprocess": preprocess,
        "circle_radius": circle_radius,
        "augment": augment,
        "augment_strength": augment_strength,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    with LiveView(Console(stderr=True)) as view:
        sheet = sheet_of(study, trial, given, copies, chosen, view)
    with replacing(out) as draft:
        draft.write_bytes(draw_sheet(sheet))
    options.say(f"{len(sheet.rows)} images, {sheet.title}: {out}", error=is_stream(out))
    return 0
