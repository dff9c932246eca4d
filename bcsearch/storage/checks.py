"""What a study does about its data: written once as it is made, read by all who work on it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlalchemy import delete, insert, inspect, select

from bcsearch.records.checked import StudyCheck
from bcsearch.storage.read import reading
from bcsearch.storage.reconnect import reconnecting
from bcsearch.storage.tables import CHECKS

if TYPE_CHECKING:
    from bcsearch.storage.rdb import Storage

_CHECKS = TypeAdapter(StudyCheck)


def write_check(storage: Storage, uuid: str, check: StudyCheck) -> None:
    """Write the check of a study that is being made, over what an earlier try wrote."""
    content = json.dumps(asdict(check))
    with storage.engine.begin() as connection:
        connection.execute(delete(CHECKS).where(CHECKS.c.study_uuid == uuid))
        connection.execute(insert(CHECKS).values(study_uuid=uuid, content=content))


@reconnecting
def read_check(source: Storage | str, uuid: str) -> StudyCheck | None:
    """Read the check of a study; None where it was made without one.

    Raises:
        StorageError: the database cannot be used.
    """
    with reading(source) as connection:
        if not inspect(connection).has_table(CHECKS.name):
            return None
        chosen = select(CHECKS.c.content).where(CHECKS.c.study_uuid == uuid)
        content = connection.execute(chosen).scalar_one_or_none()
        return None if content is None else _CHECKS.validate_python(json.loads(content))
