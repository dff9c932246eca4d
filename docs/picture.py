"""Makes the picture in README from a real run on the drawn demo: ``python docs/picture.py``. Imports the API."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

import bcsearch
from bcsearch.report.live import LiveView


def main() -> None:
    """Run 24 trials and save what the terminal shows at their end."""
    with TemporaryDirectory() as folder, LiveView(Console()) as view:
        bcsearch.run(
            "quickstart",
            bcsearch.RunOptions(data="demo", trials=24, results_dir=Path(folder)),
            view,
        )
    screen = Console(record=True, width=124, file=Path("/dev/null").open("w", encoding="utf-8"))  # noqa: SIM115 - process ends
    screen.print(view)
    screen.save_svg(
        str(Path(__file__).with_name("run.svg")),
        title="bcsearch run --study quickstart --trials 24",
    )


if __name__ == "__main__":
    main()
