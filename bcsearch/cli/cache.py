"""Commands on the prefix cache: list and prune."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.errors import ConfigError
from bcsearch.records.sizes import size_in_bytes

DAY = 24 * 60 * 60.0  # seconds

app = typer.Typer(help="See and shrink what was computed once and kept.")


@app.command("list")
@options.takes("cache_dir")
def list_entries(chosen: RunOptions) -> int:
    """Show every kept entry: its size, when it was last used, what it is, and for which study."""
    from bcsearch.features.store import Store
    from bcsearch.report.cache import cache_text

    options.say(cache_text(Store(chosen.cache).entries(), str(chosen.cache)))
    return 0


@app.command("prune")
@options.takes("cache_dir")
def prune(
    chosen: RunOptions,
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
    days: Annotated[
        int | None,
        typer.Option(
            "--older-than", min=0, max=36_500, help="Remove what was unused for so many days."
        ),
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--to", help="Remove the longest unused down to this size.")
    ] = None,
) -> int:
    """Remove kept entries; they are computed again when they are needed."""
    from bcsearch.features.store import Store
    from bcsearch.records.sizes import size_text

    if everything == (days is not None or limit is not None):
        raise ConfigError(
            "cache prune: say what to remove: either --all, or --older-than DAYS and --to SIZE"
        )
    seconds = None if days is None else days * DAY
    removed = Store(chosen.cache).prune(
        older_than=seconds, limit_bytes=size_in_bytes(limit, "--to")
    )
    total = size_text(sum(entry.n_bytes for entry in removed))
    options.say(f"removed {len(removed)} entries, {total}")
    return 0
