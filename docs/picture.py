"""Makes the picture in README from a run on the demo: ``python docs/picture.py``."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

import bcsearch
from bcsearch.report.live import LiveView


def main() -> None:
    """Run 24 trials and save what the terminal shows at their end."""
    with TemporaryDirectory() as folder, LiveView(Console()) as view:
        options = bcsearch.RunOptions(data="demo", trials=24, results_dir=Path(folder))
        bcsearch.run("quickstart", options, view)
    screen = Console(record=True, width=124, file=StringIO())
    screen.print(view)
    screen.save_svg(
        str(Path(__file__).with_name("run.svg")),
        title="bcsearch run --study quickstart --trials 24",
    )


if __name__ == "__main__":
    main()
