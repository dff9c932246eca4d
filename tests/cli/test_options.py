"""What is said of a command that is to be typed again."""

from __future__ import annotations

from pathlib import Path

from bcsearch.cli.options import pasteable, places


def test_command_with_a_masked_password_says_what_to_put_in() -> None:
    database = places("postgresql://ann:secret@host/cells", Path("results"))
    line = f"look with: bcsearch status --study cells{database}"
    assert "secret" not in line
    assert (
        pasteable(line) == f"{line}  (put your password in place of ***, or set BCSEARCH_STORAGE)"
    )
    plain = f"look with: bcsearch status --study cells{places('cells.db', Path('out'))}"
    assert pasteable(plain) == plain
