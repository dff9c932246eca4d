from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bcsearch
from bcsearch.quiet import quiet_imports

OPEN_FILES = Path("/proc/self/fd")


def test_native_chatter_is_muted_while_a_block_imports(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_imports():
        os.write(2, b"greetings from native code\n")
    sys.stderr.write("after\n")
    assert capfd.readouterr().err == "after\n"


def test_exception_comes_through_and_stderr_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError, match="no such thing"), quiet_imports():
        raise ImportError("no such thing")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_only_the_named_loggers_are_muted() -> None:
    loggers = [logging.getLogger(name) for name in ("chatty", "other")]
    for logger in loggers:
        logger.setLevel(logging.INFO)
    with quiet_imports(["chatty"]):
        pass
    assert [logger.level for logger in loggers] == [logging.ERROR, logging.INFO]


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="only Linux lists a process's open files here")
def test_no_file_stays_open() -> None:
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(5):
        with quiet_imports():
            pass
    assert len(list(OPEN_FILES.iterdir())) == before


def test_closed_stderr_is_no_trouble() -> None:
    text = "import os; os.close(2); import bcsearch; print(bcsearch.RunOptions().workers)"
    found = subprocess.run(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, check=True
    )
    assert found.stdout == "1\n"


def test_names_of_the_package_are_listed_and_kept() -> None:
    assert {"run", "RunOptions", "evaluate"} <= set(dir(bcsearch))
    assert bcsearch.RunOptions is vars(bcsearch)["RunOptions"]


@pytest.mark.slow
def test_settings_for_keras_of_the_user_are_left_alone_and_not_followed(tmp_path: Path) -> None:
    settings = {"backend": "jax", "floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings | {"epsilon": 1}))
    text = """
import os
from bcsearch.quiet import quiet_imports
with quiet_imports():
    import keras
config = keras.config
print(config.backend(), config.floatx(), config.image_data_format(), config.epsilon())
print(os.environ["KERAS_HOME"], os.environ["KERAS_MAX_EPOCHS"])
"""
    environment = {
        "KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "many",
    }  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", text],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first = f"tensorflow float32 channels_last 1e-07\n{tmp_path} many\n"
    assert (found.stdout, found.stderr) == (first, "")
    assert [path.name for path in tmp_path.iterdir()] == ["keras.json"]
