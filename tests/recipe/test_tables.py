"""Each table of training is tied to its parameter: every row can be named, every name is a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.config import SCORE_NAMES
from bcsearch.recipe import PARTS, Names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

pytestmark = pytest.mark.slow


def rows_of(name: str) -> Iterable[str]:
    from bcsearch.backbones.pooling import POOLINGS
    from bcsearch.training.batches import SAMPLINGS
    from bcsearch.training.class_weights import CLASS_WEIGHTS
    from bcsearch.training.head import ACTIVATIONS, HEAD_NORMS
    from bcsearch.training.losses import LOSSES
    from bcsearch.training.mixes import MIXES
    from bcsearch.training.optimizers import OPTIMIZERS
    from bcsearch.training.schedules import SCHEDULES
    from bcsearch.training.stages import STEPS
    from bcsearch.views.operation import Kind
    from bcsearch.views.table import OPS

    def operations(kind: Kind) -> list[str]:
        return ["none", *(name for name, row in OPS.items() if row.kind is kind)]

    tables: dict[str, Iterable[str]] = {
        "preprocess": operations(Kind.PREPROCESS),
        "augment": operations(Kind.AUGMENT),
        "unfreeze_schedule": ["none", *STEPS],
        "batch_norm": ["frozen", "trained"],
        **dict.fromkeys(
            ("activation", "activation_1", "activation_2", "activation_3"), ACTIVATIONS
        ),
        "head_norm": ["none", *HEAD_NORMS],
        "loss": LOSSES,
        "pooling": POOLINGS,
        "mix": MIXES,
        "class_weights": CLASS_WEIGHTS,
        "optimizer": OPTIMIZERS,
        "sampling": SAMPLINGS,
        "schedule": SCHEDULES,
    }
    return tables[name]


NAMED = [part for part in PARTS if isinstance(part.domain, Names) and part.name != "backbone"]


@pytest.mark.parametrize("part", NAMED, ids=lambda part: part.name)
def test_names_of_a_part_are_the_rows_of_its_table(part) -> None:  # type: ignore[no-untyped-def] # Part
    assert set(part.domain.names) == set(rows_of(part.name))


def test_names_of_scores_are_the_rows_of_their_table() -> None:
    from bcsearch.scores.table import SCORES

    assert set(SCORE_NAMES.names) == set(SCORES)


def test_samplers_that_a_sweep_may_name_are_the_rows_of_their_table() -> None:
    from typing import get_args

    from bcsearch.config import Search
    from bcsearch.study.samplers import SAMPLERS

    assert set(get_args(Search.model_fields["sampler"].annotation)) == set(SAMPLERS)


def test_row_of_another_package_is_known_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from importlib import metadata

    from bcsearch import plugins
    from bcsearch.recipe import check_value
    from bcsearch.training.losses import LOSSES

    point = metadata.EntryPoint("mine", "bcsearch.training.losses:triplet", "bcsearch.losses")

    def found(**asked: Any) -> metadata.EntryPoints:
        points: list[EntryPoint] = [point]
        return metadata.EntryPoints(points).select(**asked)

    monkeypatch.setattr(plugins, "entry_points", found)
    check_value("loss", "mine")
    assert plugins.row_of(LOSSES, "mine", "bcsearch.losses") is LOSSES["triplet"]
