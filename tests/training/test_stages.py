from __future__ import annotations

from typing import Any

import pytest

from bcsearch.recipe import Params, Value

pytestmark = pytest.mark.slow

FRACTIONS = {
    "input": (1.0, 30),
    "a": (0.9, 20),
    "b": (0.6, 12),
    "c": (0.35, 7),
    "d": (0.2, 4),
    "e": (0.1, 2),
}
STAGED = ["last_layers", "half_then_all", "gradual"]


def cuts() -> Any:
    from bcsearch.backbones.cuts import Cut

    inner = [
        Cut(name=name, fraction=share, n_layers=n, shape=(2,))
        for name, (share, n) in FRACTIONS.items()
    ]
    return (*inner, Cut(name="pooled", fraction=0.0, n_layers=0, shape=(2,)))


def plan_of(params: Params, n_epochs: int = 30) -> list[tuple[int, str]]:
    from bcsearch.training.stages import stages_of

    return [(stage.first_epoch, stage.cut.name) for stage in stages_of(params, cuts(), n_epochs)]


def moved(params: Params, n_epochs: int = 30) -> Params:
    from bcsearch.training.stages import at_cuts

    return at_cuts(params, cuts(), n_epochs)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (Params(), [(0, "pooled")]),
        (Params(unfreeze_fraction=0.04), [(0, "pooled")]),
        (Params(unfreeze_fraction=0.06), [(0, "e")]),
        (Params(unfreeze_fraction=0.5), [(0, "b")]),
        (Params(unfreeze_fraction=1.0), [(0, "input")]),
        (Params(unfreeze_schedule="last_layers", unfreeze_layers=1), [(0, "pooled"), (3, "e")]),
        (Params(unfreeze_schedule="last_layers"), [(0, "pooled"), (3, "b")]),
        (
            Params(unfreeze_schedule="last_layers", unfreeze_layers=999),
            [(0, "pooled"), (3, "input")],
        ),
        (
            Params(unfreeze_fraction=0.6, unfreeze_schedule="half_then_all", unfreeze_every=2),
            [(0, "pooled"), (2, "c"), (4, "b")],
        ),
        (
            Params(unfreeze_fraction=0.1, unfreeze_schedule="half_then_all"),
            [(0, "pooled"), (3, "e")],
        ),
        (
            Params(unfreeze_fraction=0.4, unfreeze_schedule="gradual", unfreeze_every=1),
            [(0, "pooled"), (1, "e"), (2, "d"), (3, "c")],
        ),
        (
            Params(unfreeze_fraction=1.0, unfreeze_schedule="gradual", unfreeze_every=1),
            [(0, "pooled"), (1, "e"), (2, "c"), (3, "b"), (4, "input")],
        ),
    ],
)
def test_stages_are_those_that_the_schedule_says(
    params: Params, expected: list[tuple[int, str]]
) -> None:
    assert plan_of(params) == expected


@pytest.mark.parametrize("schedule", STAGED)
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.6, 0.9, 1.0])
def test_staged_schedules_begin_with_the_head_and_only_go_down(
    schedule: str, fraction: float
) -> None:
    names = [
        name for _, name in plan_of(Params(unfreeze_fraction=fraction, unfreeze_schedule=schedule))
    ]
    depth = [*FRACTIONS, "pooled"]
    places = [depth.index(name) for name in names]
    assert names[0] == "pooled"
    assert places == sorted(set(places), reverse=True)


@pytest.mark.parametrize("schedule", STAGED[1:])
def test_every_schedule_ends_where_the_fraction_says(schedule: str) -> None:
    assert plan_of(Params(unfreeze_fraction=0.6, unfreeze_schedule=schedule))[-1][1] == "b"


@pytest.mark.parametrize(
    ("n_epochs", "expected"),
    [
        (30, [(0, "pooled"), (3, "e"), (6, "c"), (9, "b"), (12, "input")]),
        (12, [(0, "pooled"), (3, "d"), (6, "b"), (9, "input")]),
        (7, [(0, "pooled"), (3, "c"), (6, "input")]),
        (4, [(0, "pooled"), (3, "input")]),
        (3, [(0, "pooled")]),
    ],
)
def test_the_last_stage_begins_while_there_are_epochs(
    n_epochs: int, expected: list[tuple[int, str]]
) -> None:
    params = Params(unfreeze_fraction=1.0, unfreeze_schedule="gradual")
    assert plan_of(params, n_epochs) == expected
    assert plan_of(moved(params, n_epochs), n_epochs) == expected


def test_what_has_no_epoch_to_begin_in_is_frozen() -> None:
    for schedule in STAGED:
        assert moved(
            Params(unfreeze_fraction=0.6, unfreeze_schedule=schedule), n_epochs=3
        ) == moved(Params())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Params(unfreeze_fraction=0.1, unfreeze_schedule="half_then_all"),
            Params(unfreeze_fraction=0.1, unfreeze_schedule="gradual"),
        ),
        (
            Params(unfreeze_fraction=0.1, unfreeze_schedule="gradual"),
            Params(unfreeze_schedule="last_layers", unfreeze_layers=2),
        ),
        (Params(unfreeze_fraction=0.55), Params(unfreeze_fraction=0.65)),
        (Params(unfreeze_fraction=0.02, backbone_rate=0.5), Params()),
        (
            Params(unfreeze_fraction=0.6, unfreeze_layers=3),
            Params(unfreeze_fraction=0.6, unfreeze_every=9),
        ),
        (Params(unfreeze_schedule="gradual", unfreeze_every=5), Params(batch_norm="trained")),
        (
            Params(unfreeze_schedule="last_layers", unfreeze_layers=10, unfreeze_fraction=0.3),
            Params(unfreeze_schedule="last_layers", unfreeze_layers=12),
        ),
    ],
)
def test_configurations_that_train_the_same_part_are_one(one: Params, other: Params) -> None:
    assert moved(one) == moved(other)
    assert plan_of(moved(one)) == plan_of(one)
    assert moved(moved(one)) == moved(one)


def test_configurations_that_train_other_parts_stay_apart() -> None:
    fractions = [0.0, 0.1, 0.2, 0.4, 0.6, 0.9, 1.0]
    assert len({moved(Params(unfreeze_fraction=fraction)) for fraction in fractions}) == len(
        fractions
    )


def test_backbone_that_is_always_trained_whole_has_one_rate_and_no_schedule() -> None:
    from bcsearch.training.stages import canonical

    custom: dict[str, Value] = {"backbone": "custom", "image_size": 32}
    found = canonical({**custom, "unfreeze_schedule": "gradual", "backbone_rate": 0.01}, 30)
    assert found == canonical(custom, 30)
    without_features: dict[str, Value] = {"class_weights": "confusion", "pooling": "max"}
    assert canonical({**custom, **without_features}, 30) == found
    how = (found.unfreeze_fraction, found.unfreeze_schedule, found.backbone_rate)
    assert how == (1.0, "none", 1.0)
    of_unfrozen: dict[str, Value] = {"loss": "triplet", "batch_norm": "trained", "head_layers": 0}
    kept = canonical({**custom, **of_unfrozen}, 30)
    assert {name: kept[name] for name in of_unfrozen} == of_unfrozen
