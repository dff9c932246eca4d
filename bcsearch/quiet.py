"""Keeps the chatter of frameworks off the terminal, and settings for them out, as they load."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KERAS_SETTINGS = (
    "KERAS_HOME", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED",
)  # fmt: skip


@contextmanager
def quiet_imports(chatty: Sequence[str] = ("optuna", "tensorflow")) -> Iterator[None]:
    """Mute what native code writes to stderr while a block imports; exceptions still come through.

    TensorFlow greets on stderr at import whatever its log level is; from then on it heeds
    ``TF_CPP_MIN_LOG_LEVEL``. The loggers of ``chatty`` packages tell errors only from then on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", module=r"(keras|keras_cv|tensorflow|optuna)\b")
    try:
        with _no_stderr(), _plain_keras():
            yield
    finally:
        for name in chatty:  # they set their own levels as they are imported
            logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _plain_keras() -> Iterator[None]:
    """Let Keras load as bcsearch needs it: on TensorFlow, without what its ``keras.json`` says."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # for processes that are started later, too
    own = {name: text for name, text in os.environ.items() if name in KERAS_SETTINGS}
    for name in own:
        del os.environ[name]
    os.environ["KERAS_HOME"] = os.path.join(os.devnull, "none")  # read when it is imported
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        os.environ.update(own)


@contextmanager
def _no_stderr() -> Iterator[None]:
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError, ValueError):  # it is closed already
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
