"""Fetches published files, checked by their digests."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pooch
from pooch.hashes import hash_matches

from bcsearch.errors import DiskError
from bcsearch.paths import locked, make_writable_dir

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 10.0  # seconds that a server may be silent


class NotFetchedError(Exception):
    """A file could not be fetched; the message says why. Whoever asked says what to do."""


def is_whole(path: Path, known_hash: str) -> bool:
    """Whether a file has a digest, written behind ``md5:`` or ``sha256:``."""
    return bool(hash_matches(path, known_hash))


def fetch(url: str, known_hash: str, path: Path) -> None:
    """Fetch a file unless it is there; while another process fetches it, wait.

    Raises:
        NotFetchedError: the server does not answer or breaks off, or the file has another digest.
        DiskError: the folder cannot be written.
    """
    pooch.get_logger().setLevel(logging.WARNING)
    silent = _silence(urljoin(url, "/"))
    if silent:
        raise NotFetchedError(silent)
    folder = make_writable_dir(path.parent)
    try:
        with locked(folder / f".{path.name}.lock", lambda: None):
            downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
            pooch.retrieve(url, known_hash, path.name, folder, downloader=downloader)
            path.chmod(0o644)  # pooch lets nobody but the owner read it
    except DiskError:
        raise
    except (OSError, ValueError) as error:
        raise NotFetchedError(" ".join(str(error).split())) from error


@lru_cache(maxsize=32)
def _silence(server: str) -> str:
    """Return why a server does not answer, or nothing; each is asked once in a process."""
    try:
        urlopen(Request(server, method="HEAD"), timeout=TIMEOUT).close()
    except HTTPError:
        return ""
    except (OSError, ValueError) as error:
        return f"no network, or no such server: {error}"
    return ""
