"""Commands on the prefix cache: list and prune. Imports typer; the features floor inside the functions."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.cli.sizes import size_in_bytes
from bcsearch.errors import ConfigError

DAY = 24 * 60 * 60.0  # seconds

app = typer.Typer(help="See and shrink what was computed once and kept.")


@app.command("list")
def list_entries(cache_dir: options.CacheDir = None) -> int:
    """Show every kept entry: what it is, its size, when it was last used."""
    from datetime import UTC, datetime

    from bcsearch.features.store import Store
    from bcsearch.paths import cache_dir as default_dir
    from bcsearch.records.words import in_words

    folder = cache_dir or default_dir()
    entries = Store(folder).entries()
    for entry in entries:
        used = datetime.fromtimestamp(entry.used, UTC).strftime("%Y-%m-%d %H:%M UTC")
        fields = " ".join(f"{name}={value}" for name, value in entry.fields.items())
        typer.echo(
            f"{entry.digest[:12]}  {in_words(entry.n_bytes):>9}  used {used}  {entry.kind} {fields}"
        )
    typer.echo(
        f"{len(entries)} entries, {in_words(sum(entry.n_bytes for entry in entries))} in {folder}"
    )
    return 0


@app.command("prune")
def prune(
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
    days: Annotated[
        int | None,
        typer.Option("--older-than", min=0, help="Remove what was unused for so many days."),
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--to", help="Remove the longest unused down to this size.")
    ] = None,
    cache_dir: options.CacheDir = None,
) -> int:
    """Remove kept entries; they are computed again when they are needed."""
    from bcsearch.features.store import Store
    from bcsearch.paths import cache_dir as default_dir
    from bcsearch.records.words import in_words

    if everything == (days is not None or limit is not None):
        raise ConfigError(
            "cache prune: say what to remove: either --all, or --older-than DAYS and --to SIZE"
        )
    seconds = None if days is None else days * DAY
    removed = Store(cache_dir or default_dir()).prune(
        older_than=seconds, limit_bytes=size_in_bytes(limit, "--to")
    )
    typer.echo(
        f"removed {len(removed)} entries, {in_words(sum(entry.n_bytes for entry in removed))}"
    )
    return 0
