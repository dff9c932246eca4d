"""Sweeps and search spaces: TOML files, checked, found and fingerprinted. Imports pydantic and the records floor."""

from bcsearch.config.fingerprint import differences, fingerprint
from bcsearch.config.known import KNOWN_PARAMS, Value, check_value
from bcsearch.config.load import Plan, find_files, load_plan, parse_plan, read_toml, sweep_of
from bcsearch.config.space import Param, Space
from bcsearch.config.sweep import FoldSettings, Limits, Search, Sweep, Training

__all__ = [
    "KNOWN_PARAMS",
    "FoldSettings",
    "Limits",
    "Param",
    "Plan",
    "Search",
    "Space",
    "Sweep",
    "Training",
    "Value",
    "check_value",
    "differences",
    "find_files",
    "fingerprint",
    "load_plan",
    "parse_plan",
    "read_toml",
    "sweep_of",
]
