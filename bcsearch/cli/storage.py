"""Commands on the database of studies: upgrade, backup, copy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.errors import StorageError

app = typer.Typer(help="Back up, copy and upgrade the database of studies.")


@app.command("upgrade")
@options.takes("storage", "results_dir")
def upgrade(chosen: RunOptions) -> int:
    """Upgrade a database to the installed Optuna. Stop its workers and back it up before."""
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.database import upgrade_database

    url = database_of(chosen)
    upgrade = upgrade_database(url)
    done = []
    if upgrade.before != upgrade.now:
        done.append(f"schema {upgrade.before} upgraded to {upgrade.now}")
    if upgrade.added:
        done.append(f"added {', '.join(upgrade.added)}")
    if not done:
        done.append(f"nothing to do, schema {upgrade.now} is the newest")
    options.say(f"{', '.join(done)}: {masked(url)}")
    return 0


@app.command("backup")
@options.takes("storage", "results_dir")
def backup(
    to: Annotated[str, typer.Option("--to", help="SQLite file to write; it must not exist.")],
    chosen: RunOptions,
) -> int:
    """Copy the whole database to a new SQLite file, as it is at one moment. Workers may go on."""
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.copy import back_up

    if "://" in to:
        raise StorageError(
            f"--to: came {masked(to)!r}, allowed: the path of a new SQLite file; "
            "'bcsearch storage copy' fills a server"
        )
    n_studies, n_trials = back_up(database_of(chosen), Path(to))
    options.say(f"{_amount(n_studies, n_trials)}: {to}")
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
    """Copy the whole database, as it is at one moment, into an empty one of any kind."""
    from bcsearch.storage import database_of, masked
    from bcsearch.storage.copy import copy_database

    n_studies, n_trials = copy_database(database_of(chosen), to)
    options.say(f"{_amount(n_studies, n_trials)}: {masked(to)}")
    return 0


def _amount(n_studies: int, n_trials: int) -> str:
    studies, trials = "studies", "trials"
    if n_studies == 1:
        studies = "study"
    if n_trials == 1:
        trials = "trial"
    return f"{n_studies} {studies}, {n_trials} {trials}"
