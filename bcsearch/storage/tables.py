"""Our tables beside Optuna's, keyed by study uuid and trial number, without foreign keys.

Optuna's ids are no keys for us: SQLite reuses them after a delete and a copied study gets new ones.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMTEXT

METADATA = MetaData()
# MySQL drops fractions of a second otherwise
TIME = DateTime().with_variant(DATETIME(fsp=6), "mysql")
# MySQL's texts hold 64 KB otherwise: 450 epochs of 5 folds
LONG = Text().with_variant(MEDIUMTEXT(), "mysql")

SLOTS = Table(
    "bcsearch_slots",
    METADATA,
    Column("study_uuid", String(36), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("trial_number", Integer),
    Column("claimed_by", String(255)),
    Column("claimed_at", TIME),  # UTC, by the clock of the database
    # grows with every write: what compare-and-set compares
    Column("version", Integer, nullable=False, default=0),
    UniqueConstraint("study_uuid", "trial_number", name="bcsearch_slots_trial"),
)

LEDGER = Table(
    "bcsearch_ledger",
    METADATA,
    Column("study_uuid", String(36), primary_key=True),
    Column("trial_number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(16), nullable=False),
    Column("params", LONG, nullable=False),  # canonical, JSON
    Column("epochs", LONG, nullable=False),  # JSON, see bcsearch.storage.ledger.encode_epochs
    Column("best_epoch", Integer),
    Column("score", Float(53)),
    Column("train_seconds", Float(53), nullable=False),
    Column("total_seconds", Float(53), nullable=False),
    Column("duplicate_of", Integer),
    Column("state", String(16), nullable=False),
    Index("bcsearch_ledger_digest", "study_uuid", "digest"),
)

REPEATS = Table(
    "bcsearch_repeats",
    METADATA,
    Column("study_uuid", String(36), primary_key=True),
    Column("trial_number", Integer, primary_key=True, autoincrement=False),  # -1: the linear head
    Column("repeat", Integer, primary_key=True, autoincrement=False),  # counted from 1
    Column("scores", LONG, nullable=False),  # JSON: by name, those of every fold
    Column("seconds", Float(53), nullable=False),
)

CHECKS = Table(
    "bcsearch_checks",
    METADATA,
    Column("study_uuid", String(36), primary_key=True),
    Column("content", LONG, nullable=False),  # JSON, see bcsearch.records.checked.StudyCheck
)
