"""The database of studies: storage for many workers, exact budget, ledger, records. Homes optuna and sqlalchemy."""

from bcsearch.storage.find import find_study
from bcsearch.storage.ledger import Ledger, LedgerEntry
from bcsearch.storage.rdb import Storage, open_storage
from bcsearch.storage.read import list_studies, newest_study_of, read_study
from bcsearch.storage.slots import SlotCounts, Slots, SlotState
from bcsearch.storage.urls import masked, resolve_url

__all__ = [
    "Ledger",
    "LedgerEntry",
    "SlotCounts",
    "SlotState",
    "Slots",
    "Storage",
    "find_study",
    "list_studies",
    "masked",
    "newest_study_of",
    "open_storage",
    "read_study",
    "resolve_url",
]
