"""Loads .keras files of anybody: in safe mode, and only where they are what they say."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import keras

from bcsearch.data.archive import DAMAGE, check_member
from bcsearch.errors import BcsearchError
from bcsearch.paths import check_plain

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableModel(Exception):
    """Why a file cannot be loaded, in one line; never leaves the rooms that load models."""


def load_model(path: Path) -> keras.Model:
    """Load a model from a .keras file.

    Raises:
        UnreadableModel: it is damaged, unsafe, or does not fit into memory.
    """
    try:
        check_plain(path)
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                check_member(member, f"{path}: {member.filename}")
    except BcsearchError as error:
        raise UnreadableModel(str(error)) from error
    except DAMAGE as error:
        raise UnreadableModel("it is cut short or damaged") from error
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # the layers that the file names raise whatever they like
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UnreadableModel(reason) from error
