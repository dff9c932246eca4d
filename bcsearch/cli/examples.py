"""An example of every command, as its help shows it."""

from __future__ import annotations

import typer

EXAMPLES = {
    "": "bcsearch run --study quickstart --data cells.npz --trials 200",
    "plan": "bcsearch plan --study convnext --data cells.npz --set folds.n_folds=3",
    "params": "bcsearch params dropout",
    "backbones": "bcsearch backbones convnext_tiny --image-size 96",
    "run": "bcsearch run --study quickstart --data cells.npz --trials 200 --set training.epochs=30",
    "worker": "bcsearch worker --study quickstart --storage postgresql://user@host/cells --wait 10",
    "refit": "bcsearch refit --study quickstart --trial 17",
    "status": "bcsearch status --study quickstart --json",
    "best": "bcsearch best --study quickstart",
    "diagnose": "bcsearch diagnose --study quickstart --out diagnosis.html",
    "compare": "bcsearch compare --by backbone joint",
    "export": "bcsearch export --study quickstart --to handover --as keras,toml,csv",
    "dashboard": "bcsearch dashboard --port 8081",
    "doctor": "bcsearch doctor --study quickstart --reap",
    "evaluate": "bcsearch evaluate --model results/quickstart/model --data test.npz",
    "predict": "bcsearch predict --model results/quickstart/model --data new --out predictions.csv",
    "data": "bcsearch data info cells.npz",
    "data info": "bcsearch data info cells --layout classes --groups-from '^([^_]+)_'",
    "data check": "bcsearch data check cells.npz --out check",
    "data clean": "bcsearch data clean cells.npz --exclude check/exclude.csv --out clean.npz",
    "data fetch": "bcsearch data fetch bloodmnist --size 64",
    "data images": "bcsearch data images cells.npz --out pictures",
    "data pack": "bcsearch data pack pictures --out sorted.npz",
    "augment": "bcsearch augment preview --study quickstart --out sheet.png",
    "augment preview": "bcsearch augment preview --study quickstart --augment full --out sheet.png",
    "cache": "bcsearch cache list",
    "cache list": "bcsearch cache list --cache-dir /big/cache",
    "cache prune": "bcsearch cache prune --older-than 30 --to 5GB",
    "storage": "bcsearch storage backup --to before.db",
    "storage upgrade": "bcsearch storage upgrade --storage study.db",
    "storage backup": "bcsearch storage backup --to before.db",
    "storage copy": "bcsearch storage copy --to postgresql://user@host/cells",
}


def add_examples(app: typer.Typer, group: str = "") -> None:
    """Let the help of an app, its commands and its groups end with their examples."""
    app.info.epilog = _text(group)
    for command in app.registered_commands:
        command.epilog = _text(f"{group} {command.name}".strip())
    for inner in app.registered_groups:
        if inner.typer_instance and inner.name:
            add_examples(inner.typer_instance, inner.name)


def _text(command: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[command]}"  # \b: lines are kept as they are
