"""The study that reports are tested with."""

from __future__ import annotations

from tests.report.conftest import study

__all__ = ["study"]
