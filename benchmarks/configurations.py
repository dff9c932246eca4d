"""The ten fixed configurations that both sides of the comparison train."""

from __future__ import annotations

N_FOLDS, EPOCHS, BATCH_SIZE = 5, 10, 32
BACKBONE, IMAGE_SIZE = "efficientnet_lite0", 96

CONFIGURATIONS: tuple[dict[str, int | float | str], ...] = tuple(
    {"units_1": units, "learning_rate": learning_rate, "dropout": dropout}
    for units, learning_rate, dropout in (
        (256, 1e-3, 0.2),
        (128, 2e-3, 0.2),
        (256, 3e-3, 0.5),
        (512, 1e-3, 0.5),
        (64, 3e-3, 0.2),
        (128, 1e-3, 0.0),
        (512, 5e-4, 0.3),
        (256, 5e-4, 0.2),
        (64, 1e-3, 0.1),
        (512, 2e-3, 0.4),
    )
)
