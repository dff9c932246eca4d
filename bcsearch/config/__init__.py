"""Sweeps and search spaces: TOML files, checked, found and fingerprinted."""

from bcsearch.config.fingerprint import differences, fingerprint
from bcsearch.config.load import Plan, find_files, load_plan, parse_plan, read_toml, sweep_of
from bcsearch.config.options import RunOptions
from bcsearch.config.space import Param, Space
from bcsearch.config.sweep import (
    SCORE_NAMES,
    FoldSettings,
    Limits,
    Reading,
    Search,
    Sweep,
    Training,
)

__all__ = [
    "SCORE_NAMES",
    "FoldSettings",
    "Limits",
    "Param",
    "Plan",
    "Reading",
    "RunOptions",
    "Search",
    "Space",
    "Sweep",
    "Training",
    "differences",
    "find_files",
    "fingerprint",
    "load_plan",
    "parse_plan",
    "read_toml",
    "sweep_of",
]
