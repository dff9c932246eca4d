"""Files of ImageNet weights that Keras publishes, fetched once into Keras's own folder."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pooch
from pooch.hashes import hash_matches

from bcsearch.errors import DiskError, WeightsError
from bcsearch.paths import locked, make_writable_dir

MIRROR = "BCSEARCH_WEIGHTS_URL"  # the address of a folder that holds the same files
TIMEOUT = 10.0  # seconds that a server may be silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One file: its name, the address of its folder, its digest after ``md5:`` or ``sha256:``."""

    file: str
    folder: str
    known_hash: str

    @property
    def url(self) -> str:
        """Where it is fetched from: its folder, or the mirror."""
        folder = os.environ.get(MIRROR) or self.folder
        return f"{folder.rstrip('/')}/{self.file}"

    @property
    def path(self) -> Path:
        """Where Keras keeps it."""
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        return Path(home) / "models" / self.file

    def is_kept(self) -> bool:
        """Return whether it is on this machine; whether it is damaged is seen when it is used."""
        return self.path.is_file()

    def fetch(self) -> Path:
        """Return the file, fetched where it is not kept; while another process fetches it, wait.

        Raises:
            WeightsError: it cannot be fetched, or what was kept or fetched is damaged.
        """
        if not self.is_kept():
            self._download()
        if not hash_matches(self.path, self.known_hash):
            raise WeightsError(
                f"weights {self.path} are damaged; remove the file to fetch it again"
            )
        return self.path

    def _download(self) -> None:
        pooch.get_logger().setLevel(logging.WARNING)
        try:
            silent = _silence(urljoin(self.url, "/"))
            if silent:
                raise ConnectionError(silent)
            folder = make_writable_dir(self.path.parent)
            with locked(folder / f".{self.file}.lock", lambda: None):
                downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
                pooch.retrieve(self.url, self.known_hash, self.file, folder, downloader=downloader)
                self.path.chmod(0o644)  # pooch lets nobody but the owner read it
        except DiskError as error:
            raise WeightsError(str(error)) from error
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(
                f"cannot fetch {self.url} ({reason}); fetch it on another machine and put it into "
                f"{self.path.parent}, or set {MIRROR} to a server that has it"
            ) from error


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
