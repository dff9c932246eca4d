"""Writes the table of parameters into README: ``python docs/params.py``."""

from __future__ import annotations

from pathlib import Path

from bcsearch.report.params import params_markdown

BEGIN, END = "<!-- params -->\n", "<!-- /params -->"


def with_table(readme: str) -> str:
    """Return the text of README with the table of parameters as it is now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{params_markdown()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "README.md"
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
