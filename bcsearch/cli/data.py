"""Commands on data: what it is, what is wrong in it, and data without that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports

if TYPE_CHECKING:
    from bcsearch.records.checked import DataCheck

Source = Annotated[
    str, typer.Argument(help="An .npz, .npy files, a folder, a table of paths, or 'demo'.")
]
READING = (
    "images_key", "labels_key", "layout", "groups", "groups_from", "join_val", "skip_damaged",
    "square", "white",
)  # fmt: skip

app = typer.Typer(help="Look at images before anything is trained on them.")


@app.callback()
def _group() -> None:
    """Look at images before anything is trained on them."""


@app.command("info")
@options.takes(*READING, "exclude", "sweeps_dir")
def info(
    path: Source,
    chosen: RunOptions,
    study: Annotated[
        str, typer.Option("--study", help="Sweep whose images and folds are meant.")
    ] = "quickstart",
    as_json: options.Json = False,
) -> int:
    """Show what was taken for what: classes, counts, sizes, values, and the fingerprint.

    Images are read as a study of the sweep reads them.
    """
    from bcsearch.config import load_plan
    from bcsearch.data import describe, load_for_study
    from bcsearch.data.folds import why_no_folds
    from bcsearch.report.dataset import dataset_text

    plan = load_plan(study, chosen.sweeps_dir)
    reading = chosen.over_reading(plan.sweep.reading)
    dataset = load_for_study(path, plan.largest_size, reading)
    refused = why_no_folds(dataset, plan.sweep.folds)
    options.show(describe(dataset, refused), dataset_text, as_json=as_json)
    return 0


@app.command("check")
@options.takes(*READING, "weights", "cache_dir", "cache_limit", "sweeps_dir")
def check(
    path: Source,
    out: Annotated[Path, typer.Option("--out", help="Folder for the tables and the page.")],
    chosen: RunOptions,
    study: Annotated[
        str, typer.Option("--study", help="Sweep whose images and backbone are meant.")
    ] = "quickstart",
    as_json: options.Json = False,
) -> int:
    """Look for junk, copies, poor images, outliers, wrong labels and shortcuts.

    Writes what is certain to exclude.csv, what a person should look at to review.csv, what belongs
    together to groups.csv, all of it to check.json, and check.html, a page to look at it.
    """
    with quiet_imports():
        from dataclasses import replace

        from rich.console import Console

        from bcsearch.check.files import ALL_FILES, PAGE, refuse_earlier, write_check
        from bcsearch.check.table import REMEDIES
        from bcsearch.export.check_page import check_page
        from bcsearch.paths import creating, make_writable_dir
        from bcsearch.report.checked import check_text, measured_lines
        from bcsearch.report.live import LiveView
        from bcsearch.study.data_check import check_source
    refuse_earlier(out, ALL_FILES)
    make_writable_dir(out, "--out")
    with LiveView(Console(stderr=True)) as view:
        found = check_source(study, replace(chosen, data=path), view)
    write_check(out, found.check)
    with creating(out / PAGE) as draft:
        said = measured_lines(found.certificate)
        page = check_page(found.check, found.dataset, found.similarity, said)
        draft.write_text(page, encoding="utf-8")

    def text(check: DataCheck) -> str:
        return check_text(check, found.certificate, REMEDIES)

    options.show(found.check, text, as_json=as_json)
    options.say(f"{', '.join(ALL_FILES)}: in {out}", error=as_json)
    return 0


@app.command("clean")
@options.takes(*READING)
def clean(
    path: Source,
    exclude: Annotated[Path, typer.Option("--exclude", help="An exclude.csv of 'data check'.")],
    out: Annotated[Path, typer.Option("--out", help="The .npz file to write.")],
    chosen: RunOptions,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8, max=4096, help="Of the images. Default: their own; 96 where they are files."
        ),
    ] = None,
) -> int:
    """Write the data without some rows as a new .npz file; the data itself is never changed."""
    from bcsearch.data import load_dataset
    from bcsearch.data.excluded import without_rows
    from bcsearch.data.pack import write_npz

    dataset = load_dataset(path, image_size, chosen.over_reading())
    dataset = without_rows(dataset, exclude)
    n_kept = write_npz(out, dataset, dataset.kept)
    line = f"{out}: {n_kept} of {dataset.n_images} images, {dataset.n_images - n_kept} left out"
    if dataset.groups is not None and (dataset.valid is not None or dataset.test is not None):
        line += "; groups are not kept beside a split: name them with --groups again"
    options.say(line)
    return 0


@app.command("images")
@options.takes(*READING)
def images(
    path: Source,
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty.")],
    chosen: RunOptions,
) -> int:
    """Write the images of arrays as PNG files in class folders, to look at and to sort anew."""
    from bcsearch.data import load_dataset
    from bcsearch.data.pack import write_pictures

    n_files = write_pictures(out, load_dataset(path, None, chosen.over_reading()))
    options.say(f"{out}: {n_files} images; 'bcsearch data pack' makes one .npz of them again")
    return 0


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="Set of images, such as bloodmnist.")],
    size: Annotated[int, typer.Option("--size", help="Of the images: 28, 64, 128 or 224.")] = 64,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write. Default: its own name, here.")
    ] = None,
) -> int:
    """Fetch a published set of images, checked by its digest, and say whose it is."""
    from bcsearch.data.published import PUBLISHED, fetch_set

    path = fetch_set(name, size, out)
    published = PUBLISHED[name]
    options.say(f"{path}: {published.holds}, {size} pixels")
    options.say(f"licence {published.license}; cite {published.citation}")
    return 0


@app.command("pack")
def pack(
    folder: Annotated[Path, typer.Argument(help="Class folders of images of one size.")],
    out: Annotated[Path, typer.Option("--out", help="The .npz file to write.")],
) -> int:
    """Write class folders as one .npz file: those of 'data images', sorted anew, or your own."""
    from bcsearch.data.pack import pack as packed

    options.say(f"{out}: {packed(folder, out)}")
    return 0
