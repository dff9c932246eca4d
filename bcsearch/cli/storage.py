"""Commands on the database of studies: upgrade, backup, copy. Imports typer.

The storage floor in the functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.errors import StorageError

if TYPE_CHECKING:
    from bcsearch.storage.copy import Copied
    from bcsearch.storage.upgrade import Upgrade

app = typer.Typer(help="Keep, move and renew the database of studies.")


@app.command("upgrade")
@options.takes("storage", "results_dir")
def upgrade(chosen: RunOptions) -> int:
    """Bring a database up to date with the installed Optuna.

    Stop its workers and back it up before.
    """
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.upgrade import upgrade_database

    url = database_of(chosen)
    typer.echo(f"{_done(upgrade_database(url))}: {masked(url)}")
    return 0


@app.command("backup")
@options.takes("storage", "results_dir")
def backup(
    to: Annotated[str, typer.Option("--to", help="SQLite file to write; it must not exist.")],
    chosen: RunOptions,
) -> int:
    """Keep the whole database in a new SQLite file, as it is at one moment. Workers may go on."""
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.copy import back_up

    if "://" in to:
        raise StorageError(
            f"--to: came {masked(to)!r}, allowed: the path of a new SQLite file; 'bcsearch storage copy' fills a server"
        )
    typer.echo(f"{_amount(back_up(database_of(chosen), Path(to)))}: {to}")
    return 0


@app.command("copy")
@options.takes("storage", "results_dir")
def copy(
    to: Annotated[
        str,
        typer.Option("--to", help="URL of an empty database, or a .db file that does not exist."),
    ],
    chosen: RunOptions,
) -> int:
    """Copy the whole database into an empty one of any kind, as it is at one moment, to go on there."""
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.copy import copy_database

    typer.echo(f"{_amount(copy_database(database_of(chosen), to))}: {masked(to)}")
    return 0


def _amount(copied: Copied) -> str:
    studies = "study" if copied.n_studies == 1 else "studies"
    trials = "trial" if copied.n_trials == 1 else "trials"
    return f"{copied.n_studies} {studies}, {copied.n_trials} {trials}"


def _done(upgrade: Upgrade) -> str:
    renewed = (
        f"schema {upgrade.before} upgraded to {upgrade.now}"
        if upgrade.before != upgrade.now
        else ""
    )
    added = f"added {', '.join(upgrade.added)}" if upgrade.added else ""
    return (
        ", ".join(filter(None, (renewed, added)))
        or f"nothing to do, schema {upgrade.now} is the newest"
    )
