"""The wheel works alone: built, installed into a clean environment, run from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clean_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an environment that holds the wheel and nothing of the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(place),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=True)
    pip = [str(place / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run(
        [*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)],
        check=True,
        capture_output=True,
    )
    return place / "venv" / "bin"


def run(clean_bin: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BCSEARCH_CACHE": str(folder / "cache"), "PYTHONPATH": ""}
    command = [str(clean_bin / "bcsearch"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_installed_wheel_runs_a_shipped_sweep_in_an_empty_folder(
    clean_bin: Path, tmp_path: Path
) -> None:
    done = run(clean_bin, tmp_path, "run", "--study", "quickstart", "--trials", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("data: the demo, DRAWN cells")
    about = tomllib.loads(
        (tmp_path / "results/quickstart/model/best.toml").read_text(encoding="utf-8")
    )
    assert about["data"]["drawn"]
    assert 0.7 < about["best"]["score"] < 1.0


def test_types_of_the_installed_wheel_are_seen_by_checkers(clean_bin: Path) -> None:
    find = "import importlib.resources as r; print((r.files('bcsearch') / 'py.typed').is_file())"
    found = subprocess.run(
        [clean_bin / "python", "-c", find],
        check=True,
        capture_output=True,
        cwd=clean_bin,
        text=True,
    )
    assert found.stdout == "True\n"


def test_unknown_sweep_lists_the_shipped_ones(clean_bin: Path, tmp_path: Path) -> None:
    done = run(clean_bin, tmp_path, "run", "--study", "quikstart")
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown sweep 'quikstart'; did you mean 'quickstart'?")
