"""What --set, --seed and --score put over a sweep and its space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.config import RunOptions, fingerprint
from bcsearch.errors import ConfigError
from bcsearch.study.create import settings_text, stored_plan

if TYPE_CHECKING:
    from bcsearch.config import Plan

SWEEP = """space = "heads"
weights = "random"
[training]
epochs = 4
patience = 2
[[start]]
learning_rate = 1e-3
head_layers = 1
units_1 = 128
[[start]]
learning_rate = 2e-3
head_layers = 0
"""
SPACE = """
[params]
learning_rate = { float = [1e-4, 1e-2], log = true }
head_layers   = { int = [0, 2] }
units_1       = { choice = [128, 256], when = { head_layers = [1, 2] } }
units_2       = { choice = [64, 128], when = { head_layers = [2] } }
dropout_2     = { float = [0.0, 0.5], when = { units_2 = [64] } }
image_size    = 96
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BCSEARCH_DATA", raising=False)
    for path, text in {
        "sweeps/cells.toml": SWEEP,
        "search_spaces/heads.toml": SPACE,
        "search_spaces/other.toml": "[params]\naugment = 'light'\nlearning_rate = 0.1\n"
        "views = { int = [2, 4] }\n",
    }.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)


def plan_of(*settings: str, **options: Any) -> Plan:
    return RunOptions(settings=list(settings), **options).plan("cells")


def complaint(*settings: str, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan_of(*settings, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("setting", "section", "key", "value"),
    [
        ("training.epochs=5", "training", "epochs", 5),
        (" training . epochs = 5", "training", "epochs", 5),
        ('search.pruner="none"', "search", "pruner", "none"),
        ("search.pruner=none", "search", "pruner", "none"),
        ("search={seed=7}", "search", "seed", 7),
        ("folds.n_folds=3", "folds", "n_folds", 3),
        ("weights.seed=3", "weights", "seed", 3),
        ("reading.join_val=true", "reading", "join_val", True),
        ("limits.trial_seconds=60", "limits", "trial_seconds", 60),
    ],
)
def test_value_of_a_section_is_set_and_all_else_stays(
    setting: str, section: str, key: str, value: object
) -> None:
    plan, before = plan_of(setting), plan_of()
    changed = getattr(plan.sweep, section)
    assert getattr(changed, key) == value
    kept = getattr(before.sweep, section).model_copy(update={key: value})
    assert changed == kept
    assert plan.sweep.model_copy(update={section: getattr(before.sweep, section)}) == before.sweep
    assert plan.space == before.space


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("a = b", "a = b"),
        ("'3'", "3"),
        ("2026-01-01", "2026-01-01"),
        ("a\nspace='x'", "a\nspace='x'"),
        ("'a'\nspace = 'x'", "'a'\nspace = 'x'"),
        ("[" * 5000, "[" * 5000),
        ("", ""),
    ],
    ids=["equals", "quoted", "a day", "lines", "more keys", "deep", "empty"],
)
def test_value_that_is_no_toml_is_text(text: str, title: str) -> None:
    assert plan_of(f"title={text}").sweep.title == title


def test_of_one_key_the_last_counts() -> None:
    assert plan_of("training.epochs=5", "training.epochs=6").sweep.training.epochs == 6


def test_parameter_is_fixed_or_gets_another_domain() -> None:
    plan = plan_of("params.views=8", "params.learning_rate={float=[1e-3, 1e-2]}")
    assert plan.space.fixed == {"image_size": 96, "views": 8}
    rate = plan.space.varied["learning_rate"]
    assert (rate.floats, rate.log) == ((1e-3, 1e-2), False)
    assert plan_of("params.learning_rate.log=false").space.varied["learning_rate"].log is False
    same = plan_of("params={views=8, learning_rate={float=[1e-3, 1e-2]}}")
    assert same.space == plan.space


def test_new_domain_keeps_the_condition_of_the_old_one_unless_it_has_its_own() -> None:
    assert plan_of("params.units_1={choice=[64]}").space.varied["units_1"].when == {
        "head_layers": (1, 2)
    }
    own = plan_of("params.units_1={choice=[64], when={head_layers=[2]}}")
    assert own.space.varied["units_1"].when == {"head_layers": (2,)}


@pytest.mark.parametrize(
    ("setting", "varied", "notes"),
    [
        ("params.head_layers=2", ["learning_rate", "units_1", "units_2", "dropout_2"], []),
        (
            "params.head_layers={int=[0, 1]}",
            ["learning_rate", "head_layers", "units_1"],
            [
                "--set: units_2 is left out, it acts only where head_layers is 2",
                "--set: dropout_2 is left out, it acts only where units_2 is 64",
            ],
        ),
    ],
)
def test_conditions_are_narrowed_to_what_can_still_be(
    setting: str, varied: list[str], notes: list[str]
) -> None:
    plan = plan_of(setting, "start=[]")
    assert list(plan.space.varied) == varied
    assert list(plan.notes) == notes


def test_start_point_that_a_fixed_parameter_rules_out_is_left_out_with_a_line() -> None:
    plan = plan_of("params.learning_rate=2e-3")
    assert plan.sweep.start == ({"head_layers": 0},)
    assert plan.notes == (
        "--set: a start point is left out: start[0]: learning_rate is fixed at 0.002 in the space",
    )


def test_start_points_that_another_domain_or_space_rules_out_are_left_out() -> None:
    assert len(plan_of("params.learning_rate.float=[1.5e-3, 1e-2]").sweep.start) == 1
    other = plan_of("space=other")
    assert (other.sweep.start, len(other.notes)) == ((), 2)


def test_start_points_are_checked_as_ever_where_the_space_is_the_files() -> None:
    assert len(plan_of("training.epochs=5").sweep.start) == 2
    assert complaint("start=[{learning_rat=1e-3}]").startswith(
        "--set: start[0]: unknown parameter 'learning_rat'; did you mean 'learning_rate'?"
    )


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("search.trails=3", "unknown key 'search.trails'; did you mean 'search.trials'? allowed: "),
        ("metric=accuracy", "unknown key 'metric'; did you mean 'search.score'? allowed: "),
        ("views=3", "unknown key"),
        ("head_layers=1", "unknown key 'head_layers'; did you mean 'params.head_layers'? allowed"),
        ("params.bakbone=custom", "params: unknown parameter 'bakbone'; did you mean 'backbone'?"),
        ("params.dropout_2=7", "dropout_2: came 7, allowed: a number from 0 to 0.9"),
        ("params.units_1.chioce=[64]", "unknown key 'params.units_1.chioce'; did you mean"),
        ("params=3", "params: came 3, allowed: a table"),
        ("training=3", "training: came 3, allowed: a table with the keys epochs, "),
        ("training.epochs=many", "training.epochs: came 'many', allowed: a whole number"),
        ("space=haeds", "space: unknown search space 'haeds'; did you mean 'heads'? allowed: "),
        ("training.epochs", "came 'training.epochs', allowed: KEY=VALUE, such as "),
        ("=5", "came '=5', allowed: KEY=VALUE"),
        ("training..epochs=5", "came 'training..epochs=5', allowed: KEY=VALUE"),
    ],
)
def test_mistake_is_one_line_that_names_set(setting: str, expected: str) -> None:
    if setting == "views=3":  # a section and a parameter: a table of the sweep is meant
        expected = "views: came 3, allowed: a table with the keys mode, seed"
    assert complaint(setting).startswith(f"--set: {expected}")


def test_mistakes_of_all_settings_are_one_line_beside_those_of_the_files() -> None:
    said = complaint("training.epochs=0", "params.units_1=1")
    assert said.startswith("--set: 2 mistakes: (1) training.epochs: came 0")
    Path("sweeps/cells.toml").write_text(SWEEP.replace("patience", "patients"))
    with pytest.raises(ConfigError) as caught:
        plan_of("training.epochs=0")
    of_file, of_settings = str(caught.value).splitlines()
    assert of_file.startswith("sweeps/cells.toml: unknown key 'training.patients'")
    assert of_settings.startswith("--set: training.epochs: came 0")


def test_setting_heals_what_is_wrong_in_a_file() -> None:
    Path("sweeps/cells.toml").write_text(SWEEP.replace("epochs = 4", "epochs = 0"))
    assert plan_of("training.epochs=5").sweep.training.epochs == 5


def test_seed_sets_three_seeds_and_leaves_those_of_what_is_cached() -> None:
    sweep = plan_of(seed=7).sweep
    assert (sweep.search.seed, sweep.folds.seed, sweep.training.seed) == (7, 7, 7)
    assert (sweep.views.seed, sweep.weights.seed) == (0, 0)
    assert plan_of("folds.seed=8", seed=7).sweep.folds.seed == 8


@pytest.mark.parametrize(("seed", "allowed"), [(-1, "0 or more"), (2**31, "2147483647 or less")])
def test_seed_out_of_range_is_refused(seed: int, allowed: str) -> None:
    with pytest.raises(ConfigError, match=f"^--seed: came {seed}, allowed: {allowed}$"):
        RunOptions(seed=seed)


def test_score_is_the_short_form_of_a_setting() -> None:
    assert plan_of(score="macro_f1") == plan_of("search.score=macro_f1")
    assert complaint(score="macro_f").startswith(
        "--score: unknown value 'macro_f'; did you mean 'macro_f1'?"
    )


def test_setting_of_what_has_an_option_acts_like_that_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BCSEARCH_DATA", "environment.npz")
    monkeypatch.setenv("BCSEARCH_STORAGE", "environment.db")
    options = RunOptions(settings=["data=set.npz", "search.trials=7", "storage=set.db"])
    assert options.plan("cells").sweep.data == "set.npz"
    assert (options.trials, options.named_storage) == (7, "set.db")
    assert RunOptions(settings=["search.trials=7"], trials=9).trials == 9


def test_settings_are_stored_with_the_study_and_count_in_its_fingerprint() -> None:
    plan = plan_of("params.head_layers=1", "training.epochs=9")
    assert stored_plan("cells", settings_text(plan)) == plan

    def parts(of: Plan) -> dict[str, str]:
        return fingerprint(of, dataset="d", folds="f", weights={})

    again = plan_of("params.head_layers=1", "training.epochs=9")
    assert parts(again) == parts(plan)
    assert parts(plan_of("params.head_layers=1")) != parts(plan)
