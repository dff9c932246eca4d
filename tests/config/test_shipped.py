"""Every shipped sweep and search space loads, says its command, and can be sampled."""

from __future__ import annotations

import optuna
import pytest

from bcsearch.config import find_files, load_plan
from bcsearch.objective.suggest import suggest_values
from bcsearch.recipe import Params

SWEEPS = (
    "quickstart",
    "convnext",
    "mobilenet",
    "vgg19",
    "resnet18",
    "efficientnet",
    "custom",
    "lite",
    "joint",
    "recipe",
    "published",
    "robust",
)


def drawn(name: str, n_trials: int) -> list[Params]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space = load_plan(name).space
    return [Params(**suggest_values(study.ask(), space)) for _ in range(n_trials)]


def test_the_shipped_sweeps_are_those_that_are_tested() -> None:
    assert {
        name for name, path in find_files("sweeps").items() if path.parent.parent.name != "tests"
    } == set(SWEEPS)


@pytest.mark.parametrize("name", SWEEPS)
def test_sweep_says_its_own_command_first_and_what_it_costs(name: str) -> None:
    first, *others = find_files("sweeps")[name].read_text(encoding="utf-8").splitlines()
    assert first.startswith(f"# bcsearch run --study {name} --trials ")
    cost = [
        line for line in others if line.startswith(("# Planned by bcsearch plan", "# Measured"))
    ]
    assert all("minutes" in line for line in cost)
    assert cost


@pytest.mark.parametrize("name", SWEEPS)
def test_space_can_be_sampled_and_everything_in_it_varies(name: str) -> None:
    found = drawn(name, 200)
    for param in load_plan(name).space.varied:
        name = {"dropout": "dropout_1", "activation": "activation_1"}.get(param, param)
        assert len({params[name] for params in found}) > 1, param


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_backbones_of_the_space_exist_and_every_fraction_is_a_cut_of_its_own(name: str) -> None:
    from bcsearch.training.stages import canonical

    space, epochs = load_plan(name).space, load_plan(name).sweep.training.epochs
    asked = (
        space.varied["unfreeze_fraction"].choice if "unfreeze_fraction" in space.varied else None
    )
    by_backbone: dict[str, set[float]] = {}
    schedules = set()
    for params in drawn(name, 100):
        found = canonical(params, epochs)
        by_backbone.setdefault(params.backbone, set()).add(found.unfreeze_fraction)
        if params.unfreezes:
            schedules.add(found.unfreeze_schedule)
    for backbone, fractions in by_backbone.items():
        assert len(fractions) == (len(asked) if asked else 1), backbone
    if "unfreeze_schedule" in space.varied:
        assert schedules == set(
            space.varied["unfreeze_schedule"].choice or ()
        )  # each trains in another way
