"""Sets of images that others publish: where they are, whose they are, under what licence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bcsearch.data.naming import written
from bcsearch.errors import ConfigError, DataError, unknown
from bcsearch.fetch import NotFetchedError, fetch, is_whole

MIRROR = "BCSEARCH_DATA_URL"  # the address of a folder that holds the same files


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSet:
    """One set.

    Attributes:
        holds: what is in it, in a sentence.
        folder: the address of its files.
        files: of each size in pixels, the file and its digest behind ``md5:``.
        license: under which it is published.
        citation: what its authors want to be cited.
    """

    holds: str
    folder: str
    files: dict[int, tuple[str, str]]
    license: str
    citation: str


# Addresses and digests are those of medmnist 3.0 (medmnist/info.py), which the authors publish.
PUBLISHED = {
    "bloodmnist": PublishedSet(
        holds="17,092 single blood cells of 8 classes, in a training, a validation and a test part",
        folder="https://zenodo.org/records/10519652/files",
        files={
            28: ("bloodmnist.npz", "md5:7053d0359d879ad8a5505303e11de1dc"),
            64: ("bloodmnist_64.npz", "md5:2b94928a2ae4916078ca51e05b6b800b"),
            128: ("bloodmnist_128.npz", "md5:adace1e0ed228fccda1f39692059dd4c"),
            224: ("bloodmnist_224.npz", "md5:b718ff6835fcbdb22ba9eacccd7b2601"),
        },
        license="CC BY 4.0",
        citation="J. Yang and others, MedMNIST v2, Scientific Data 10, 41 (2023); "
        "A. Acevedo and others, Data in Brief 30, 105474 (2020)",
    ),
}


def fetch_set(name: str, size: int, out: Path | None) -> Path:
    """Fetch a published set of images of some size; return the file, which is checked.

    Args:
        name: of the set.
        size: of its images, in pixels.
        out: where it is put; None: under its own name in this folder. What is there already is
            kept, and checked.

    Raises:
        ConfigError: there is no such set, or none of that size.
        DataError: it cannot be fetched, or another file is in its place.
    """
    if name not in PUBLISHED:
        raise ConfigError(unknown("set of images", name, PUBLISHED))
    published = PUBLISHED[name]
    if size not in published.files:
        sizes = ", ".join(map(str, published.files))
        raise ConfigError(f"--size: came {size}, allowed for {name}: {sizes}")
    file, known_hash = published.files[size]
    path = out or Path(file)
    if path.is_dir():
        path /= file
    folder = os.environ.get(MIRROR) or published.folder
    url = f"{folder.rstrip('/')}/{file}"
    if not path.exists():
        try:
            fetch(url, known_hash, path)
            path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
        except NotFetchedError as error:
            raise DataError(
                f"cannot fetch {url} ({error}); try again, fetch it on another machine, or set "
                f"{MIRROR} to a server that has it"
            ) from error
    if not is_whole(path, known_hash):
        raise DataError(
            f"{written(str(path))}: is another file than {url}, or damaged; choose another --out, "
            "or move it away"
        )
    return path
