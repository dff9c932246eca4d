"""ImageNet weights that Keras publishes: their names, their place, fetched once into Keras's own folder. Imports paths.

File names, digests and addresses are those in the source of Keras 3.15.1 (``keras/src/applications``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5, sha256
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from bcsearch.errors import DiskError, WeightsError
from bcsearch.paths import locked, make_writable_dir

STORE = "https://storage.googleapis.com/"
APPLICATIONS = STORE + "tensorflow/keras-applications/"
ONLY_GET = (405, 501)  # what servers say that do not know HEAD
LOOK_SECONDS = 10.0  # how long a server may be silent before it counts as not there
MIRROR = "BCSEARCH_WEIGHTS_URL"  # names an address that holds the same files, all in one folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One file: its name, the folder it is published in, and the MD5 or SHA-256 digest of its content."""

    file: str
    folder: str
    digest: str

    @property
    def url(self) -> str:
        """Where it is fetched from: its folder, or the mirror."""
        mirror = os.environ.get(MIRROR)
        return f"{mirror.rstrip('/')}/{self.file}" if mirror else self.folder + self.file

    @property
    def path(self) -> Path:
        """Where Keras keeps it."""
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        return Path(home) / "models" / self.file

    @property
    def is_kept(self) -> bool:
        """Whether it is on this machine; whether it is sound is seen when it is used."""
        return self.path.is_file()

    def fetch(self) -> Path:
        """Return the file, fetched where it is not kept; while another process fetches it, wait.

        Raises:
            WeightsError: it is not kept and cannot be fetched, or what was kept or fetched is damaged.
        """
        if not self.is_kept:
            self._download()
        if not self._is_sound(self.path):
            raise WeightsError(
                f"weights {self.path} are damaged; remove the file, and it is fetched again"
            )
        return self.path

    def _download(self) -> None:
        refusal = _look(self.url)
        if refusal:
            raise WeightsError(
                f"cannot fetch {self.url} ({refusal}); fetch it on another machine and put it into "
                f"{self.path.parent}, or set {MIRROR} to a server that has it"
            )
        try:
            folder = make_writable_dir(self.path.parent)
            with locked(folder / f".{self.file}.lock", lambda: None):
                if not self.is_kept:
                    self._download_alone(folder)
        except DiskError as error:
            raise WeightsError(str(error)) from error

    def _download_alone(self, folder: Path) -> None:
        """Fetch into a draft folder beside the place and move what is whole: a broken transfer leaves nothing."""
        with TemporaryDirectory(prefix=".bcsearch-", dir=folder) as draft:
            path = Path(draft) / self.file
            try:
                with urlopen(self.url, timeout=LOOK_SECONDS) as reply, path.open("wb") as file:
                    shutil.copyfileobj(reply, file)
            except (OSError, HTTPException) as error:
                raise WeightsError(f"fetching {self.url} broke off ({error}); try again") from error
            if not self._is_sound(path):
                raise WeightsError(
                    f"what {self.url} sends is damaged or another file; try again or use another server"
                )
            path.replace(self.path)

    def _is_sound(self, path: Path) -> bool:
        digest = md5(usedforsecurity=False) if len(self.digest) == 32 else sha256()
        with path.open("rb") as file:
            while chunk := file.read(2**22):
                digest.update(chunk)
        return digest.hexdigest() == self.digest


def _look(url: str) -> str:
    """Say why a file cannot be had; nothing where it can. A server that did not answer is not asked again."""
    parts = urlsplit(url)
    try:
        silent = _silence(f"{parts.scheme}://{parts.netloc}/")
        if silent:
            return silent
        urlopen(Request(url, method="HEAD"), timeout=LOOK_SECONDS).close()
    except HTTPError as error:
        return "" if error.code in ONLY_GET else f"the server says {error.code}"
    except (OSError, ValueError) as error:
        return f"no answer: {error}"
    return ""


@lru_cache(maxsize=32)
def _silence(server: str) -> str:
    """Say why a server does not answer; nothing where it answers anything at all."""
    try:
        urlopen(Request(server, method="HEAD"), timeout=LOOK_SECONDS).close()
    except HTTPError:
        return ""
    except (OSError, ValueError) as error:
        return f"no network, or no such server: {error}"
    return ""
