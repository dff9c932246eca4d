"""The database of studies: storage for many workers, exact budget, ledger and records."""

from bcsearch.storage import attrs
from bcsearch.storage.ledger import Ledger, LedgerEntry
from bcsearch.storage.rdb import Storage, open_storage
from bcsearch.storage.read import (
    certificate_of,
    find_study,
    list_studies,
    newest_of,
    read_latest,
    read_overview,
    read_study,
)
from bcsearch.storage.slots import SlotCounts, Slots, SlotState
from bcsearch.storage.urls import database_of, masked, resolve_url

__all__ = [
    "Ledger",
    "LedgerEntry",
    "SlotCounts",
    "SlotState",
    "Slots",
    "Storage",
    "attrs",
    "certificate_of",
    "database_of",
    "find_study",
    "list_studies",
    "masked",
    "newest_of",
    "open_storage",
    "read_latest",
    "read_overview",
    "read_study",
    "resolve_url",
]
