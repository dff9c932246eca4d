"""Remedies that errors of database servers end with."""

from __future__ import annotations

ACCESS = "check user, password and rights, and the storage URL"
ABSENT = "create it on the server, or check its name in the storage URL"
DOWN = "check that its server runs, and host and port in the storage URL"
