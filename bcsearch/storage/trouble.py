"""What databases say when they cannot be used: of what kind it is, what to do, if waiting helps.

Imports errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bcsearch.errors import BcsearchError, DiskError, StorageError

COPY = "SQLite writes beside a file even to read it: copy it to a folder of your own and name the copy with --storage"
DOWN = "see that its server runs, and look at host and port in the storage URL"
ACCESS = "look at user, password and rights, and at the storage URL"
ABSENT = "make it on the server, or look at its name in the storage URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """``waits``: a call is worth another try.

    ``comes_back``: it is a server that is away, not anything unknown.
    """

    kind: type[BcsearchError]
    remedy: str
    waits: bool = False
    comes_back: bool = False


UNKNOWN = Trouble(kind=StorageError, remedy="check the storage URL", waits=True)
_down = Trouble(kind=StorageError, remedy=DOWN, waits=True, comes_back=True)
_access = Trouble(kind=StorageError, remedy=ACCESS)
_absent = Trouble(kind=StorageError, remedy=ABSENT)
_right = Trouble(
    kind=StorageError,
    remedy="look at the database's name in the storage URL, and at its user's rights",
)
SAID = {  # patterns of what SQLite, PostgreSQL and MySQL say, of which the first that is found counts
    r"unable to open database file": Trouble(
        kind=DiskError, remedy=f"is it a file that you may read and write? {COPY}"
    ),
    r"readonly database": Trouble(kind=DiskError, remedy=COPY),
    r"disk is full|no space left": Trouble(kind=DiskError, remedy="free some room"),
    r"image is malformed": Trouble(kind=DiskError, remedy="take up a backup of it, with --storage"),
    r"certificate": Trouble(
        kind=StorageError, remedy="look at the certificates that the storage URL names"
    ),
    r"disk i/o error": Trouble(kind=DiskError, remedy="look whether its disk is full or broken"),
    r"access denied for user .* to database": _right,  # MySQL's, also where there is no such database
    r"authentication failed|no password supplied|access denied|permission denied|role \".*\" does not exist": _access,
    r"no pg_hba.conf entry|not allowed to connect": _access,
    r"database \".*\" does not exist|unknown database": _absent,
    r"connection refused|can't connect|resolve host|name or service not known|timeout expired|no such file": _down,
    r"closed the connection|lost connection|gone away|terminating connection|starting up|shutting down": _down,
}


def trouble_of(said: str) -> Trouble:
    """Return what stands behind the words of a database."""
    return next(
        (trouble for pattern, trouble in SAID.items() if re.search(pattern, said.lower())), UNKNOWN
    )
