"""AutoML sweeps for small, messy image sets, on Optuna and Keras.

Imports nothing until a name is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bcsearch.api import (
        Bundle,
        Evaluation,
        RunOptions,
        RunResult,
        evaluate,
        read_bundle,
        read_study,
        refit,
        run,
    )

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "Evaluation",
    "RunOptions",
    "RunResult",
    "evaluate",
    "read_bundle",
    "read_study",
    "refit",
    "run",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'bcsearch' has no attribute {name!r}")
    from bcsearch.quiet import quiet_imports

    with quiet_imports(["tensorflow"]):
        from bcsearch import api
    globals().update(
        {each: getattr(api, each) for each in __all__}
    )  # so that this is not asked again
    return getattr(api, name)
