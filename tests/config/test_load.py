from __future__ import annotations

import os
from pathlib import Path

import pytest

from bcsearch.config import Plan, find_files, load_plan
from bcsearch.errors import ConfigError

SWEEP = 'space = "heads"\n'
SPACE = """
[params]
learning_rate = { float = [1e-4, 1e-2], log = true }
head_layers   = { int = [0, 2] }
units_1       = { choice = [128, 256], when = { head_layers = [1, 2] } }
image_size    = 96
"""
SWEEP_FILE, SPACE_FILE = "sweeps/cells.toml", "search_spaces/heads.toml"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return Path(path)


def load(sweep: str = SWEEP, space: str = SPACE) -> Plan:
    write(SWEEP_FILE, sweep)
    write(SPACE_FILE, space)
    return load_plan("cells")


def test_schedule_of_unfreezing_without_a_fraction_is_refused() -> None:
    said = complaint(space=SPACE + 'unfreeze_schedule = "gradual"\n')
    assert "unfreeze_schedule: it has no effect without unfreeze_fraction" in said


def test_a_range_of_many_image_sizes_is_refused() -> None:
    said = complaint(space=SPACE.replace("image_size    = 96", "image_size = { int = [96, 224] }"))
    assert "came 129 sizes, allowed: at most 16" in said
    load(space=SPACE.replace("image_size    = 96", "image_size = { int = [96, 224], step = 32 }"))


def test_a_range_of_radii_is_refused_and_a_choice_is_not() -> None:
    said = complaint(
        space=SPACE + 'preprocess = "circle"\ncircle_radius = { float = [0.5, 1.0] }\n'
    )
    assert "params.circle_radius: came a range, allowed: a choice of a few" in said
    load(space=SPACE + 'preprocess = "circle"\ncircle_radius = { choice = [0.7, 0.9] }\n')


def complaint(**texts: str) -> str:
    """Load a plan that cannot be loaded and return what is said of it."""
    with pytest.raises(ConfigError) as caught:
        load(**texts)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_plan_holds_the_sweep_and_the_space_that_it_names() -> None:
    plan = load(SWEEP + "[search]\ntrials = 7\n[[start]]\nlearning_rate = 1e-3\nunits_1 = 128")
    assert (plan.name, plan.sweep.search.trials) == ("cells", 7)
    assert plan.sweep.start == ({"learning_rate": 1e-3, "units_1": 128},)
    assert list(plan.space.varied) == ["learning_rate", "head_layers", "units_1"]
    assert plan.space.fixed == {"image_size": 96}


BAD_SWEEPS = [
    ("[serch]", "unknown key 'serch'; did you mean 'search'? allowed: data, final, "),
    (
        "[search]\ntrails = 9",
        "unknown key 'search.trails'; did you mean 'search.trials'? allowed: search.also, ",
    ),
    ("[search]\ntrials = 0", "search.trials: came 0, allowed: greater than or equal to 1"),
    ("[search]\ntrials = 'many'", "search.trials: came 'many', allowed: a whole number"),
    ("[search]\ntrials = true", "search.trials: came True, allowed: a whole number"),
    ("[search]\ntrials = 1.5", "search.trials: came 1.5, allowed: a whole number"),
    (
        "[search]\nsampler = 'tpee'",
        "search.sampler: unknown value 'tpee'; did you mean 'tpe'? allowed: ",
    ),
    (
        "[search]\npruner_trials = 2",
        "search.pruner_trials: came 2, allowed: greater than or equal to 3",
    ),
    ("search = 3", "search: came 3, allowed: a table with the keys score, also, trials, sampler, "),
    (
        "[folds]\nkind = 'kfolds'",
        "folds.kind: unknown value 'kfolds'; did you mean 'kfold'? allowed: kfold, split",
    ),
    ("[folds]\nn_folds = 1", "folds.n_folds: came 1, allowed: greater than or equal to 2"),
    (
        "[training]\nepochs = 1001",
        "training.epochs: came 1001, allowed: less than or equal to 1000",
    ),
    (
        "[training]\nscore = 'acuracy'",
        "search.score: unknown value 'acuracy'; did you mean 'accuracy'? allowed: ",
    ),
    (
        "[search]\ntrials = 1000000000",
        "search.trials: came 1000000000, allowed: less than or equal to 100000",
    ),
    (
        "[limits]\nheartbeat_seconds = 10000000000",
        "limits.heartbeat_seconds: came 10000000000, allowed: less than or equal to ",
    ),
    ("[training]\nseed = -1", "training.seed: came -1, allowed: greater than or equal to 0"),
    ("[limits]\nretries = -1", "limits.retries: came -1, allowed: greater than or equal to 0"),
    ("weights = 3", "weights: came 3, allowed: a table with the keys source, seed"),
]
BAD_STARTS = [
    (
        "lerning_rate = 1e-3",
        "start[0]: unknown parameter 'lerning_rate'; did you mean 'learning_rate'? allowed: ",
    ),
    (
        "image_size = 96",
        "start[0]: image_size is fixed at 96 in the space; leave it out",
    ),
    ("learning_rate = 'x'", "start[0]: learning_rate: came 'x', allowed: a number from 1e-06 to 1"),
    ("learning_rate = 7.0", "start[0]: learning_rate: came 7.0, allowed: a number from 1e-06 to 1"),
    (
        "learning_rate = 0.5",
        "start[0]: learning_rate = 0.5 lies outside the space; see its domain in the space file",
    ),
    (
        "units_1 = 64",
        "start[0]: units_1 = 64 lies outside the space; see its domain in the space file",
    ),
    ("units_1 = [128]", "start.0.units_1: allowed: a number, a text, true or false"),
]


@pytest.mark.parametrize(("lines", "expected"), BAD_SWEEPS)
def test_bad_sweep_is_one_line_naming_file_key_and_what_is_allowed(
    lines: str, expected: str
) -> None:
    assert complaint(sweep=f"{SWEEP}{lines}\n").startswith(f"{SWEEP_FILE}: {expected}")


@pytest.mark.parametrize(("line", "expected"), BAD_STARTS)
def test_bad_start_is_one_line_naming_file_key_and_what_is_allowed(
    line: str, expected: str
) -> None:
    assert complaint(sweep=f"{SWEEP}[[start]]\n{line}\n").startswith(f"{SWEEP_FILE}: {expected}")


def test_second_bad_start_is_named_by_its_number() -> None:
    assert ": start[1]: " in complaint(
        sweep=f"{SWEEP}[[start]]\nunits_1 = 128\n[[start]]\nunits_1 = 64"
    )


BAD_PARAMS = [
    (
        "lerning_rate = 1e-3",
        "params: unknown parameter 'lerning_rate'; did you mean 'learning_rate'? allowed: ",
    ),
    ("learning_rate = 7.0", "learning_rate: came 7.0, allowed: a number from 1e-06 to 1"),
    (
        "learning_rate = { float = ['1e-4', 1e-2] }",
        "params.learning_rate.float.0: came '1e-4', allowed: a valid number",
    ),
    (
        "head_layers = { int = ['1', 2] }",
        "params.head_layers.int.0: came '1', allowed: a whole number",
    ),
    (
        "activation = { choice = 'relu' }",
        "params.activation.choice: came 'relu', allowed: a list, such as [\"relu\"]",
    ),
    (
        "activation = ['relu', 'gelu']",
        "params.activation: allowed: a table with the keys float, int, choice, log, step, when; "
        'to search these write { choice = ["relu", "gelu"] }',
    ),
    (
        "class_weights = { 0 = 1.0 }",
        "unknown key 'params.class_weights.0'; allowed: params.class_weights.choice, ",
    ),
    ("learning_rate = 'x'", "learning_rate: came 'x', allowed: a number from 1e-06 to 1"),
    (
        "learning_rate = [1e-3, 1e-2]",
        "params.learning_rate: allowed: a table with the keys float, int, choice, log, ",
    ),
    (
        "learning_rate = { flaot = [1e-3, 1e-2] }",
        "unknown key 'params.learning_rate.flaot'; did you mean ",
    ),
    (
        "learning_rate = { float = [1e-2, 1e-3] }",
        "params.learning_rate: low must lie below high, but got [0.01, 0.00",
    ),
    ("learning_rate = { float = [1e-2] }", "key 'params.learning_rate.float.1' is missing"),
    (
        "learning_rate = { float = [1, 2, 3] }",
        "params.learning_rate.float: allowed: at most 2 items, came 3",
    ),
    ("learning_rate = { float = 'x' }", "params.learning_rate.float: came 'x', allowed: a list"),
    (
        "learning_rate = { float = ['a', 0.5] }",
        "params.learning_rate.float.0: came 'a', allowed: a valid number",
    ),
    (
        "learning_rate = { float = [0.1, 0.2], int = [1, 2] }",
        "params.learning_rate: give one of float, int, choice, ",
    ),
    ("learning_rate = {}", "params.learning_rate: give one of float, int, choice, but got none"),
    (
        "learning_rate = { float = [1e-3, 5.0] }",
        "learning_rate: came 5.0, allowed: a number from 1e-06 to 1",
    ),
    (
        "learning_rate = { float = [nan, 1.0] }",
        "learning_rate: came nan, allowed: a number from 1e-06 to 1",
    ),
    (
        "learning_rate = { float = [0.1, 0.2], step = 2 }",
        "params.learning_rate: step must be 1 or more and goes with ",
    ),
    (
        "dropout = { float = [0.0, 0.5], log = true }",
        "params.dropout: log needs a float or int range above zero",
    ),
    ("head_layers = { int = [0, 9] }", "head_layers: came 9, allowed: a whole number from 0 to 3"),
    (
        "head_layers = { float = [0, 2] }",
        "head_layers: came 0.0, allowed: a whole number from 0 to 3",
    ),
    ("head_layers = 1.0", "head_layers: came 1.0, allowed: a whole number from 0 to 3"),
    ("head_layers = true", "head_layers: came True, allowed: a whole number from 0 to 3"),
    (
        "head_layers = { choice = [] }",
        "params.head_layers: choice needs at least one value, and none of them twice",
    ),
    (
        "head_layers = { choice = [1, 1] }",
        "params.head_layers: choice needs at least one value, and none of them ",
    ),
    (
        "head_layers = { choice = [[1]] }",
        "params.head_layers.choice.0: allowed: a number, a text, true or false",
    ),
    (
        "head_layers = { choice = [1, 7] }",
        "head_layers: came 7, allowed: a whole number from 0 to 3",
    ),
    (
        "activation = 'rellu'",
        "activation: unknown value 'rellu'; did you mean 'relu'? allowed: elu, gelu, relu, ",
    ),
    ("activation = { int = [1, 2] }", "activation: came 1, allowed: relu, gelu, silu, elu, tanh"),
    ("image_size = 16", "image_size: came 16, allowed: a whole number from 32 to 512"),
]
BAD_CONDITIONS = [
    (
        "{ head_layer = [1] }",
        "params.units_1: 'when' names an unknown parameter 'head_layer'; did you mean",
    ),
    (
        "{ units_2 = [64] }",
        "params.units_1: 'when' names an unknown parameter 'units_2'; allowed: head_layers",
    ),
    ("{ head_layers = [3] }", "params.units_1.when.head_layers: 3 can never be its value"),
    ("{ head_layers = 1 }", "params.units_1.when.head_layers: came 1, allowed: a list"),
    ("3", "params.units_1.when: came 3, allowed: a table"),
]


@pytest.mark.parametrize(("line", "expected"), BAD_PARAMS)
def test_bad_parameter_is_one_line_naming_file_key_and_what_is_allowed(
    line: str, expected: str
) -> None:
    assert complaint(space=f"[params]\n{line}\n").startswith(f"{SPACE_FILE}: {expected}")


def test_key_that_stands_twice_is_said_with_its_line() -> None:
    said = complaint(space=SPACE + "image_size = 64\n")
    assert said.startswith(f"{SPACE_FILE} is not valid TOML: a key stands there once more (at line")


@pytest.mark.parametrize("kind", ["sweep", "space"])
def test_description_of_a_model_in_place_of_a_sweep_is_told_what_to_type(kind: str) -> None:
    said = complaint(**{kind: "[best]\ntrial = 0\n[params]\nl2 = 0.0\n[versions]\n"})
    path = {"sweep": SWEEP_FILE, "space": SPACE_FILE}[kind]
    assert said.endswith(f"'bcsearch run --study NAME --from-config {path}'")


@pytest.mark.parametrize(
    ("lines", "in_vain"),
    [
        ("units_2 = { int = [32, 64] }", {"units_2": "where head_layers is 2 or more"}),
        ("head_layers = 2\nunits_2 = { int = [32, 64] }", {}),
        ("head_layers = { int = [0, 3] }\nunits_2 = { int = [32, 64] }", {}),
        (
            "augment = 'none'\nviews = { int = [2, 4] }\naugment_strength = { float = [0, 1] }",
            {
                "views": "where augment is not none",
                "augment_strength": "where augment is not none",
            },
        ),
        ("augment = { choice = ['none', 'light'] }\nviews = { int = [2, 4] }", {}),
        (
            "head_layers = 0\nactivation = { choice = ['relu', 'gelu'] }",
            {"activation": "where head_layers is 1 or more"},
        ),
        ("head_layers = 0\ndropout = { float = [0.0, 0.5] }", {}),
        (
            "backbone_rate = { float = [0.1, 0.5] }",
            {"backbone_rate": "where layers are unfrozen"},
        ),
        ("unfreeze_schedule = 'last_layers'\nbackbone_rate = { float = [0.1, 0.5] }", {}),
        (
            "unfreeze_fraction = { float = [0.0, 0.2] }\nlayer_decay = { float = [0.1, 0.5] }",
            {},
        ),
    ],
)
def test_parameter_that_is_searched_in_vain_is_noted(lines: str, in_vain: dict[str, str]) -> None:
    notes = load(space=f"[params]\n{lines}\n").notes
    assert notes == tuple(
        f"the space searches {name} in vain: it acts {when}" for name, when in in_vain.items()
    )


@pytest.mark.parametrize(
    ("lines", "in_vain"),
    [
        ("head_layers = 0\nloss = 'triplet'", "loss to 'triplet'"),
        ("circle_radius = 0.7", "circle_radius to 0.7"),
        ("circle_radius = 0.7\npreprocess = 'circle+green'", ""),
        ("circle_radius = 0.8", ""),  # its default
        ("loss = 'triplet'", ""),
    ],
)
def test_parameter_that_is_fixed_in_vain_is_noted(lines: str, in_vain: str) -> None:
    notes = load(space=f"[params]\n{lines}\n").notes
    assert [note.partition(" in vain")[0] for note in notes] == [
        f"the space sets {each}" for each in filter(None, [in_vain])
    ]


@pytest.mark.parametrize(("when", "expected"), BAD_CONDITIONS)
def test_bad_condition_is_one_line_naming_file_key_and_what_is_allowed(
    when: str, expected: str
) -> None:
    units = f"units_1 = {{ choice = [64], when = {when} }}\nunits_2 = 64"
    space = f"[params]\nhead_layers = {{ int = [0, 2] }}\n{units}"
    assert complaint(space=space).startswith(f"{SPACE_FILE}: {expected}")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"sweep": "title = 'x'"}, f"{SWEEP_FILE}: key 'space' is missing"),
        (
            {"sweep": "space = 'haeds'"},
            f"{SWEEP_FILE}: space: unknown search space 'haeds'; did you mean 'heads'? allowed",
        ),
        ({"sweep": "space = 'heads"}, f"{SWEEP_FILE} is not valid TOML: "),
        ({"space": ""}, f"{SPACE_FILE}: key 'params' is missing"),
        (
            {"space": "tite = 'x'\n[params]"},
            f"{SPACE_FILE}: unknown key 'tite'; did you mean 'title'? allowed: params, ",
        ),
        ({"space": "params = 3"}, f"{SPACE_FILE}: params: came 3, allowed: a table"),
    ],
)
def test_bad_file_is_one_line_naming_it(texts: dict[str, str], expected: str) -> None:
    assert complaint(**texts).startswith(expected)


def test_unknown_sweep_is_told_with_its_nearest_match() -> None:
    load()
    with pytest.raises(
        ConfigError, match=r"^unknown sweep 'cels'; did you mean 'cells'[?] allowed: cells, "
    ):
        load_plan("cels")


def test_name_of_a_study_in_place_of_its_sweep_is_told_what_to_type() -> None:
    load()
    with pytest.raises(
        ConfigError,
        match=r"^'cells-2' names a study, .* --study cells goes on with the newest study",
    ):
        load_plan("cells-2")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gone.toml",
            "cannot read gone.toml: No such file or directory; give the path of a TOML file",
        ),
        ("latin.toml", "latin.toml is not valid TOML: "),
    ],
)
def test_file_that_cannot_be_read_is_one_line(name: str, expected: str) -> None:
    Path("latin.toml").write_bytes("title = 'Zürich'".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_plan(name)
    assert str(caught.value).startswith(expected)


def test_chosen_folder_that_is_none_is_one_line() -> None:
    with pytest.raises(
        ConfigError, match=r"^--sweeps-dir nowhere is not a folder; give the folder that holds"
    ):
        load_plan("cells", Path("nowhere"))


def test_chosen_folder_comes_before_the_current_ones_and_that_before_the_shipped_files() -> None:
    shipped = find_files("sweeps")
    assert shipped["quickstart"].is_file()
    here = write("sweeps/quickstart.toml", SWEEP)
    assert find_files("sweeps")["quickstart"] == here
    chosen = write("mine/quickstart.toml", SWEEP)
    found = find_files("sweeps", Path("mine"))
    assert found["quickstart"] == chosen
    assert set(found) == set(shipped)


def test_spaces_lie_beside_the_chosen_folder_of_sweeps() -> None:
    write("search_spaces/cells.toml", "")
    beside = write("project/search_spaces/cells.toml", "")
    assert find_files("search_spaces", Path("project/sweeps"))["cells"] == beside
    assert find_files("search_spaces")["cells"] == Path("search_spaces/cells.toml")


@pytest.mark.parametrize("place", ["mine", "sweeps"])
def test_sweep_and_space_of_one_name_are_told_apart(place: str) -> None:
    write(f"{place}/heads.toml", SWEEP)
    write("search_spaces/heads.toml", SPACE)
    assert (
        load_plan("heads", Path(place)).space
        == load_plan(f"{place}/heads.toml").space
        == load().space
    )


def test_path_of_a_sweep_file_brings_its_own_spaces() -> None:
    path = write("project/sweeps/cells.toml", SWEEP)
    write("project/search_spaces/heads.toml", SPACE)
    plan = load_plan(str(path))
    assert (plan.name, plan.space.fixed) == ("cells", {"image_size": 96})


def shipped_names(folder: str) -> list[str]:
    return sorted(path.stem for path in (Path(__file__).parents[2] / folder).glob("*.toml"))


@pytest.mark.parametrize("name", shipped_names("sweeps"))
def test_every_shipped_sweep_loads(name: str) -> None:
    plan = load_plan(name)
    assert plan.name == name
    assert plan.space.varied


@pytest.mark.parametrize("name", shipped_names("search_spaces"))
def test_every_shipped_space_loads(name: str) -> None:
    write("sweeps/any.toml", f'space = "{name}"')
    assert load_plan("any").space.params


def test_all_mistakes_of_both_files_are_told_at_once_in_a_line_each() -> None:
    sweep = """space = "heads"
[search]
metric = "accuracy"
trials = 0
sampler = "bayesian"
[training]
epochs = "many"
"""
    space = """
[params]
lr = { float = [1e-4, 1e-2] }
learning_rate = { flaot = [1e-4, 1e-2] }
activation = "swish"
head_layers = { int = [0, 9] }
units_1 = { choice = [128], when = { head_layers = [1], learning_rate = [1e-3] } }
augment = "heavy"
"""
    with pytest.raises(ConfigError) as caught:
        load(sweep, space)
    of_sweep, of_space = str(caught.value).splitlines()
    assert of_sweep.startswith(f"{SWEEP_FILE}: 4 mistakes: (1) ")
    for words in ("'search.score'?", "search.trials: came 0", "'tpe'?", "training.epochs"):
        assert words in of_sweep
    assert of_space.startswith(f"{SPACE_FILE}: 5 mistakes: (1) ")
    for words in ("learning_rate.flaot", "'learning_rate'?", "'silu'?", "came 9", "'strong'?"):
        assert words in of_space
    assert max(len(of_sweep), len(of_space)) < 500


def test_many_mistakes_fit_into_a_line() -> None:
    lines = "\n".join(f"wrong_{number} = {number}" for number in range(40))
    said = complaint(sweep=f"{SWEEP}{lines}\n")
    assert "40 mistakes: (1) unknown key 'wrong_0'" in said
    assert said.endswith("; and 32 more")
    assert len(said) < 500


@pytest.mark.parametrize(
    ("lines", "meant"),
    [
        ("[search]\nmetric = 'accuracy'", "search.score"),
        ("metric = 'accuracy'", "search.score"),
        ("trials = 9", "search.trials"),
        ("[search]\nepochs = 9", "training.epochs"),
        ("[training]\nearly_stopping = 9", "training.patience"),
        ("dataset = 'x.npz'", "data"),
    ],
)
def test_key_of_another_section_or_name_is_told_where_it_belongs(lines: str, meant: str) -> None:
    assert f"did you mean {meant!r}?" in complaint(sweep=f"{SWEEP}{lines}\n")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
def test_mark_of_an_editor_before_a_file_is_no_trouble(mark: bytes) -> None:
    load()
    Path(SWEEP_FILE).write_bytes(mark + SWEEP.replace("\n", "\r\n").encode())
    assert load_plan("cells").sweep.space == "heads"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SWEEP.encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (b"x = " + b"[" * 900 + b"]" * 900, "too deep"),
        (b"x = " + b"9" * 5000, "is not valid TOML"),
        (b"#" * 2**21, "it is longer than 1 MiB"),
    ],
    ids=["UTF-16", "deep", "a long number", "large"],
)
def test_file_of_no_sense_is_one_line(content: bytes, expected: str) -> None:
    load()
    Path(SWEEP_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        load_plan("cells")


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
def test_file_without_an_end_is_not_read(kind: str) -> None:
    load()
    Path(SWEEP_FILE).unlink()
    if kind == "pipe":
        os.mkfifo(SWEEP_FILE)
    else:
        Path(SWEEP_FILE).symlink_to(kind)
    with pytest.raises(ConfigError, match="a pipe or a device and no plain file"):
        load_plan("cells")
