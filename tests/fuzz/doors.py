"""The doors that input comes in by, one a row: what a command is given, made from good input."""

from __future__ import annotations

import csv
import io
import os
import re
import sqlite3
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from typer.main import get_command

from tests.fuzz.mutators import BYTES, ODD_TEXTS, odd_value, toml_file

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    Random = random.Random

SWEEP = """title = "cells"
space = "heads"
data = "demo"
weights = "random"
[search]
score = "accuracy"
also = [ "macro_f1" ]
trials = 8
sampler = "tpe"
startup_trials = 4
pruner = "median"
seed = 3
[folds]
kind = "kfold"
n_folds = 3
[training]
epochs = 4
patience = 2
[limits]
heartbeat_seconds = 10
grace_seconds = 60
retries = 3
trial_seconds = 600
[[start]]
learning_rate = 1e-3
units_1 = 128
"""
SPACE = """title = "heads"
[params]
learning_rate = { float = [ 1e-4, 1e-2 ], log = true }
head_layers = { int = [ 1, 2 ] }
units_1 = { choice = [ 128, 256 ] }
units_2 = { choice = [ 32, 64 ], when = { head_layers = [ 2 ] } }
activation = { choice = [ "relu", "silu" ] }
augment = "light"
preprocess = { choice = [ "none", "grayscale" ] }
backbone = "efficientnet_lite0"
image_size = { int = [ 64, 96 ], step = 32 }
unfreeze_fraction = { float = [ 0.0, 0.5 ] }
unfreeze_schedule = "gradual"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a command gets: arguments and environment.

    ``writes`` says what it may write, by patterns of paths below its folder.
    """

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One way in. ``share`` of a thousand inputs come by it; ``make`` writes one to a folder."""

    name: str
    share: int
    make: Callable[[Random, Path], Input]


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


IMAGES = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 3), np.uint8)
GOOD = {
    "data": IMAGES,
    "labels": np.array([0, 1] * 4),
    "class_names": np.array(["a", "b"]),
    "groups": np.arange(8) // 2,
}
ODD_ARRAYS = (
    IMAGES / 255, IMAGES.astype(np.float16), IMAGES.astype(">f4"), IMAGES.astype(np.longdouble),
    IMAGES[..., 0], IMAGES[:, :, :, :2], IMAGES[:0], IMAGES.astype(complex), IMAGES * np.nan,
    IMAGES > 9,
    IMAGES.astype("S"), IMAGES.astype("U"), np.array(3), np.array([]), np.array("x"),
    np.array([None] * 8),
    np.array([0, 1] * 4, "M8[s]"), np.array([0, 1] * 4, "m8[D]"), np.array([0.5] * 8),
    np.array([-1] * 8),
    np.array([np.nan] * 8), np.array([np.inf] * 8), np.array([2**63] * 8, np.uint64),
    np.array(["a", "b"] * 4),
    np.array([b"\xff", b"\x1b[2J"] * 4), np.array(["\x1b]0;x\x07", "a\nb"]), np.array(["a"] * 2),
    np.array(["x" * 5000, "y"]), np.array([(1, 2)] * 8, "i4,i4"), np.array([("a", 1)], "O,i4"),
    np.arange(20_000), np.eye(8), np.ones((8, 1)), np.ones((8, 2)), np.array([1, 2] * 4),
    np.zeros((8, 0)),
    np.zeros((1,) * 30), np.array(["\ud800", "b"]), np.zeros(8, "S0"), np.zeros((8, 6, 6, 3), "V3"),
    np.asfortranarray(IMAGES), np.array([10**15, 0] * 4), np.array([0, 5] * 4),
    np.array([True, False] * 4),
)  # fmt: skip
ODD_HEADERS = (
    ("(8, 6, 6, 3)", "(10000000000000000000000000000000, 3)"), ("(8, 6, 6, 3)", "(-8, 6, 6, 3)"),
    ("(8, 6, 6, 3)", "(True, 6, 6, 3)"), ("(8, 6, 6, 3)", "(8, 6, 6, 999999999)"),
    ("(8,", "((8,),"),
    ("(8,", "(8.0,"), ("(8,", "(" * 200 + "8,"), ("'|u1'", "'O'"), ("'|u1'", "[('a', '|u1')]"),
    ("'|u1'", "()"),
    ("'|u1'", "{}"), ("'|u1'", "None"), ("'|u1'", "'|u999999999999'"), ("'<i8'", "'<U1000000000'"),
    ("'<i8'", "'|S0'"),
    ("'descr'", "descr"), ("False", "0"), ("False", "True"), ("{", "{{"), ("}", ""), ("'", '"'),
    (",", "\n "),
    ("shape", "form"), ("(8,", "(8L,"), ("False", "__import__('os').mkdir('pickled')"),
    ("'|u1'", "[[]]"),
)  # fmt: skip
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def pickle_that_tells(folder: Path) -> bytes:
    """Return a pickle that makes a folder ``pickled`` when it is read."""
    return f"cposix\nmkdir\n(S'{folder / 'pickled'}'\ntR.".encode()


def archive(members: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as members_of:
        for name, content in members.items():
            members_of.writestr(name, content)
    return file.getvalue()


def odd_array(chance: Random, members: dict[str, bytes], _: Path) -> None:
    members[chance.choice(list(members))] = npy(chance.choice(ODD_ARRAYS))


def odd_header(chance: Random, members: dict[str, bytes], _: Path) -> None:
    name = chance.choice(list(members))
    old, new = chance.choice(ODD_HEADERS)
    magic, header, rest = members[name][:10], members[name][10:128], members[name][128:]
    header = header.replace(old.encode(), new.encode())
    members[name] = magic[:8] + len(header).to_bytes(2, "little") + header + rest


def damaged_array(chance: Random, members: dict[str, bytes], _: Path) -> None:
    name = chance.choice(list(members))
    content = members[name]
    if chance.random() < 0.6:
        members[name] = chance.choice(BYTES)(chance, content[:128]) + content[128:]
    else:
        members[name] = chance.choice(BYTES)(chance, content)


def odd_name(chance: Random, members: dict[str, bytes], _: Path) -> None:
    odd = chance.choice([*ODD_TEXTS, "../x.npy", "/x.npy"])[:300].encode("utf-8", "replace")
    members[odd.decode() or "x"] = members.pop(chance.choice(list(members)))


def many_members(chance: Random, members: dict[str, bytes], _: Path) -> None:
    members.pop("data.npy", None)
    members |= {f"{chance.random()}/image.png": b"x" for _ in range(200)}


def pickled(chance: Random, members: dict[str, bytes], folder: Path) -> None:
    name, content = chance.choice(list(members)), pickle_that_tells(folder)
    header = npy(np.array([None] * 8))[:128]
    members[name] = chance.choice((content, header + content))


MEMBERS = (odd_array, odd_array, odd_header, damaged_array, odd_name, many_members, pickled)


def mark_encrypted(content: bytes) -> bytes:
    content = re.sub(rb"(?s)(?<=PK\x03\x04..)..", lambda _: b"\1\0", content)
    return re.sub(rb"(?s)(?<=PK\x01\x02....)..", lambda _: b"\1\0", content)


def declare_huge(content: bytes) -> bytes:
    return re.sub(rb"(?s)(?<=PK\x01\x02.{20})....", lambda _: b"\xff\xff\xff\x7f", content)


def other_method(content: bytes) -> bytes:
    return re.sub(rb"(?s)(?<=PK\x01\x02.{6})..", lambda _: b"\x5d\0", content)


def npz_file(chance: Random, folder: Path) -> bytes:
    members = {f"{name}.npy": npy(array) for name, array in GOOD.items()}
    kind = chance.random()
    if kind < 0.7:
        for _ in range(chance.choice((1, 1, 2))):
            chance.choice(MEMBERS)(chance, members, folder)
    content = archive(members, chance.choice(METHODS))
    if kind > 0.95:
        return chance.choice((mark_encrypted, declare_huge, other_method))(content)
    if kind > 0.92:
        return pickle_that_tells(folder)
    if kind > 0.6:
        return chance.choice(BYTES)(chance, content)
    return content


def special_file(chance: Random, path: Path) -> None:
    """Make something in place of a file that is no plain file."""
    kind = chance.choice(("pipe", "folder", "/dev/zero", "/dev/full", "loop", "nowhere"))
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"loop": str(path), "nowhere": "gone"}.get(kind, kind))


def write(chance: Random, path: Path, content: bytes) -> None:
    """Write a file, now and then something that is none in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if chance.random() < 0.03:
        special_file(chance, path)
    else:
        path.write_bytes(content)


def data_file(chance: Random, folder: Path) -> Input:
    write(chance, folder / "cells.npz", npz_file(chance, folder))
    return Input(arguments=["data", "info", "cells.npz", *chance.choice(([], ["--json"]))])


KINDS = ("png", "jpeg", "bmp", "tiff", "webp", "gif", "ppm")


@lru_cache
def image_bytes(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(file, kind)
    return file.getvalue()


def image_folder(chance: Random, folder: Path) -> Input:
    for name in ("a/1", "a/2", "b/1", "b/2"):
        kind = chance.choice(KINDS)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.{kind}").write_bytes(image_bytes(kind))
    odd = re.sub(r"[/\0]", "_", chance.choice(ODD_TEXTS))[:60] or "odd"
    kind = chance.choice(KINDS)
    write(chance, folder / "b" / f"{odd}.{kind}", chance.choice(BYTES)(chance, image_bytes(kind)))
    return Input(arguments=["data", "info", "."])


NPY_NAMES = (("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("cells", "kinds"))


def npy_files(chance: Random, folder: Path) -> Input:
    """Write a pair of .npy files, perhaps with those of a test part or others beside them."""
    names = chance.choice(NPY_NAMES)
    members = {f"{name}.npy": npy(GOOD[key]) for name, key in zip(names, GOOD, strict=False)}
    given = chance.choice((".", f"{names[0]}.npy"))
    if chance.random() < 0.2:
        members |= {"x_test.npy": npy(IMAGES[:2]), "y_test.npy": npy(GOOD["labels"][:2])}
    for _ in range(chance.choice((1, 1, 2))):
        chance.choice((odd_array, odd_array, odd_header, damaged_array, pickled))(
            chance, members, folder
        )
    if chance.random() < 0.1:
        members.pop(chance.choice(list(members)))
    for name, content in members.items():
        write(chance, folder / name, content)
    keys = chance.choice(([], [], ["--images-key", names[0]], ["--labels-key", names[1]]))
    return Input(arguments=["data", "info", given, *keys])


CELLS = {
    "path": [f"images/{row}.png" for row in range(8)],
    "label": ["a", "b"] * 4,
    "patient": [f"p{row // 2}" for row in range(8)],
    "split": ["train"] * 6 + ["val", "test"],
    "a": ["1.0", "0.0"] * 4,
    "b": ["0.0", "1.0"] * 4,
}
ODD_NAMES = ("", " path", "PATH", "file", "label", "dx", "group", "set", "image_id", "\ufeffpath")
ODD_COLUMNS: tuple[list[Any], ...] = (
    [None] * 8, [1.5] * 8, [float("nan")] * 8, [True, False] * 4, [[1, 2]] * 8, [{"a": 1}] * 8,
    [b"\xff\xfe"] * 8, [10**18] * 8, [datetime(1, 1, 1, tzinfo=UTC)] * 8, [timedelta(9)] * 8,
    [Decimal("1e-9")] * 8, [0, 1] * 4, [""] * 8, ["x" * 9999] * 8, ["\x1b[2J"] * 8,
)  # fmt: skip


def odd_cell(chance: Random, columns: dict[str, list[Any]]) -> None:
    columns[chance.choice(list(columns))][chance.randrange(8)] = chance.choice(ODD_TEXTS)


def odd_column(chance: Random, columns: dict[str, list[Any]]) -> None:
    columns[chance.choice(list(columns))] = list(chance.choice(ODD_COLUMNS))


def odd_title(chance: Random, columns: dict[str, list[Any]]) -> None:
    cells = columns.pop(chance.choice(list(columns)))
    columns[chance.choice((*ODD_NAMES, chance.choice(ODD_TEXTS)))] = cells


def without_column(chance: Random, columns: dict[str, list[Any]]) -> None:
    del columns[chance.choice(list(columns))]


def same_image(chance: Random, columns: dict[str, list[Any]]) -> None:
    columns.setdefault("path", [""] * 8)[chance.randrange(8)] = "images/3.png"


CHANGES = (odd_cell, odd_cell, odd_column, odd_title, without_column, same_image)


def csv_bytes(chance: Random, columns: dict[str, list[Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=chance.choice(",,;\t"), quoting=chance.choice((0, 0, 1)))
    writer.writerow(columns)
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    if chance.random() < 0.1 and rows:
        chance.choice(rows).append("x")
    writer.writerows(rows)
    encoding = chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    return file.getvalue().encode(encoding, "replace")


def parquet_bytes(chance: Random, columns: dict[str, list[Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    file = io.BytesIO()
    arrays = []
    for cells in columns.values():
        texts = [
            cell.encode("utf-8", "replace") if isinstance(cell, str) else cell for cell in cells
        ]
        plain = all(isinstance(cell, bytes) for cell in texts)
        try:
            array = pyarrow.array([cell.decode() for cell in texts] if plain else cells)
        except (pyarrow.ArrowException, ValueError, TypeError):  # of several types, or no UTF-8
            array = pyarrow.array([repr(cell) for cell in cells])
        arrays.append(array)
    names = [name.encode("utf-8", "replace").decode() for name in columns]
    if chance.random() < 0.1:
        names[-1] = names[0]
    made = pyarrow.Table.from_arrays(arrays, names)
    parquet.write_table(made, file, compression=chance.choice(("none", "snappy", "gzip")))
    return file.getvalue()


def table_file(chance: Random, folder: Path) -> Input:
    """Write a table of images, or of groups beside arrays."""
    for row in range(8):
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / f"{row}.png").write_bytes(image_bytes("png"))
    columns = {name: list(cells) for name, cells in CELLS.items()}
    kept = chance.choice(
        (("path", "label"), ("path", "a", "b"), ("path", "label", "patient", "split"))
    )
    columns = {name: columns[name] for name in kept}
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        if columns:
            chance.choice(CHANGES)(chance, columns)
    kind = chance.choice(("csv", "parquet"))
    content = (csv_bytes if kind == "csv" else parquet_bytes)(chance, columns or {"x": []})
    if chance.random() < 0.3:
        content = chance.choice(BYTES)(chance, content)
    write(chance, folder / f"labels.{kind}", content)
    if chance.random() < 0.15:
        np.savez(folder / "cells.npz", **GOOD)  # type: ignore[arg-type] # its own keyword
        return Input(arguments=["data", "info", "cells.npz", "--groups", f"labels.{kind}"])
    keys = chance.choice(([], [], [], ["--labels-key", "a"], ["--images-key", "path"]))
    return Input(arguments=["data", "info", chance.choice((".", f"labels.{kind}")), *keys])


def plan_files(chance: Random, folder: Path) -> Input:
    sweep, space = SWEEP.encode(), SPACE.encode()
    if chance.random() < 0.55:
        space = toml_file(chance, SPACE)
    else:
        sweep = toml_file(chance, SWEEP)
    write(chance, folder / "sweeps" / "mine.toml", sweep)
    write(chance, folder / "search_spaces" / "heads.toml", space)
    return Input(arguments=["run", "--study", "mine"])


def good_plan(folder: Path) -> None:
    for place, text in (("sweeps/mine.toml", SWEEP), ("search_spaces/heads.toml", SPACE)):
        (folder / place).parent.mkdir()
        (folder / place).write_text(text)


def option(chance: Random, folder: Path) -> Input:
    """Give a command one odd value, and what else it needs."""
    name = chance.choice(list(NEEDED))
    given = dict(NEEDED[name])
    flag = chance.choice(options_of_commands()[name])
    odd = _odd_value(chance, flag)
    if odd.startswith("/") and flag in WRITTEN and not os.path.lexists(odd):
        odd = f".{odd}"
    given[flag] = odd
    database(folder / "my.db")
    good_plan(folder)
    pairs = [[text for text in (key, value) if text] for key, value in given.items()]
    arguments = [*name.split(), *(text for pair in pairs for text in pair)]
    if chance.random() < 0.1:
        chance.shuffle(arguments)
    return Input(arguments=arguments, writes=("*",) if {*WRITTEN} & {*given} else ())


def _odd_value(chance: Random, flag: str) -> str:
    odd = chance.choice(ODD_TEXTS)
    if chance.random() < 0.5:
        odd = "".join(chance.choice((odd, chance.choice(ODD_TEXTS))) for _ in range(2))[:20_000]
    if flag == "--set" and chance.random() < 0.8:
        odd = f"{chance.choice(SETTABLE)}={odd}"
    return odd


SETTABLE = ("training.epochs", "search.trials", "params.dropout", "params.units_1", "final.share")


STUDY = {"--study": "mine"}
STORED = {"--study": "cells", "--storage": "my.db"}
NEEDED: dict[str, dict[str, str]] = {
    "run": STUDY,
    "worker": STUDY,
    "refit": STUDY,
    "plan": STUDY,
    "params": {"": "augment"},
    "status": STORED,
    "best": STORED,
    "compare": {"": "cells", "--storage": "my.db"},
    "export": STORED | {"--to": "out"},
    "diagnose": STORED | {"--data": "demo", "--out": "page.html"},
    "evaluate": {"--model": "no", "--data": "demo"},
    "predict": {"--model": "no", "--data": "x", "--out": "p.csv"},
    "data info": {"": "demo"},
    "data check": {"": "my.npz", "--out": "check"},
    "data clean": {"": "my.npz", "--exclude": "exclude.csv", "--out": "clean.npz"},
    "data images": {"": "my.npz", "--out": "pictures"},
    "data pack": {"": "pictures", "--out": "packed.npz"},
    "augment preview": STUDY | {"--out": "sheet.png"},
    "cache list": {},
    "cache prune": {"--to": "1KB"},
    "storage backup": {"--to": "b.db", "--storage": "my.db"},
    "storage copy": {"--to": "b.db", "--storage": "my.db"},
    "storage upgrade": {"--storage": "my.db"},
    "doctor": {"--storage": "my.db"},
    "backbones": {"": "custom", "--no-measure": ""},
}  # what each command needs, with good values; "" is an argument
SERVES = "dashboard"  # the one command that ends only when it is told to
FETCHES = "data fetch"  # asks a server of others


@lru_cache
def options_of_commands() -> dict[str, list[str]]:
    """Return the options of every command, as it declares them."""
    from bcsearch.cli import app

    found: dict[str, list[str]] = {}

    def look(command: Any, words: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            look(inner, (*words, name))
        if not hasattr(command, "commands"):
            names = [param.opts[0] for param in command.params]
            found[" ".join(words)] = [name if name.startswith("-") else "" for name in names]

    look(get_command(app), ())
    return found


WRITTEN = ("--to", "--out", "--results", "--artifacts", "--cache-dir", "--log")
VARIABLES = (
    "BCSEARCH_DATA", "BCSEARCH_STORAGE", "BCSEARCH_CACHE", "BCSEARCH_WEIGHTS_URL", "XDG_CACHE_HOME",
    "HOME",
    "TMPDIR", "COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR", "KERAS_BACKEND", "KERAS_HOME",
    "TZ",
    "CUDA_VISIBLE_DEVICES", "TF_CPP_MIN_LOG_LEVEL", "OMP_NUM_THREADS",
)  # fmt: skip
READERS = (
    "params augment",
    "status --study mine",
    "cache list",
    "run --study mine",
    "params loss",
    "doctor",
)


def environment(chance: Random, folder: Path) -> Input:
    good_plan(folder)
    names = chance.sample(VARIABLES, chance.choice((1, 2)))
    odd = {name: chance.choice(ODD_TEXTS).replace("\0", "") for name in names}
    return Input(arguments=chance.choice(READERS).split(), environment=odd)


URLS = (
    "sqlite:///{}", "sqlite:////{}", "sqlite://{}", "sqlite+{}:///x.db", "sqlite:///x.db?{}=1",
    "{}.db", "{}://x",
    "sqlite:///x.db?timeout={}", "postgresql://127.0.0.1:9/{}", "postgresql://{}@127.0.0.1:9/x",
    "{}", "sqlite:{}",
    "postgresql://127.0.0.1:9/x?{}=1", "postgresql://127.0.0.1:{}/x",
    "postgresql+{}://127.0.0.1:9/x",
    "postgresql://127.0.0.1:9/x?host=127.0.0.1:{}&host=127.0.0.1",
    "postgresql://127.0.0.1:9/x?connect_timeout={}",
    "mysql://127.0.0.1:9/{}", "mysql://127.0.0.1:9/x?{}=1", "mysql://127.0.0.1:9/x?charset={}",
    "mysql://127.0.0.1:9/x?ssl={}", "mysql://127.0.0.1:9/x?port={}", "mysql://me:{}@127.0.0.1:9/x",
    "mysql+{}://h/x",
    "mysql://127.0.0.1:9/x?ssl_ca={}", "mysql://127.0.0.1:9/x?local_infile={}",
    "mysql://127.0.0.1:9/x?unix_socket={}",
)  # fmt: skip
PARTS = (
    "x", "bogus", "abc", "1", "-1", "99999", "9" * 30, "ssl_mode", "sslmode", "isolation_level",
    "uri", "mode",
    "charset", "me:pass", "me:p@ss", "a b", "%", "%zz", "%00", "?", "#", "@", ":", "/", "://", "[",
    "]", "[::1]", "+",
    "psycopg+x", "psycopg2", "asyncpg", "aiosqlite", "pysqlite", "é", "\x1b[2J", "x" * 5000,
    ":memory:", ".", "..",
    "tmp", "dev/zero", "file:x.db", "a.db/b.db", "~/x", "~nobody_such/x", "=", "&", ";", "'", '"',
    "\n",
)  # fmt: skip
LOOKS = (
    "status --study x",
    "best --study x",
    "storage backup --to out.db",
    "storage upgrade",
    "worker --study x",
)


def storage_url(chance: Random, folder: Path) -> Input:
    url = chance.choice(URLS).replace("{}", chance.choice((*PARTS, chance.choice(ODD_TEXTS))))
    if chance.random() < 0.15:
        database(folder / "my.db")
        return Input(
            arguments=["storage", "copy", "--storage", "my.db", "--to", url], writes=("*",)
        )
    command = chance.choice(LOOKS).split()
    return Input(arguments=[*command, "--storage", url])


def database(path: Path) -> None:
    path.write_bytes(good_database())


@lru_cache
def good_database() -> bytes:
    """Return a database with a study ``cells`` of finished and waiting trials."""
    from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

    with TemporaryDirectory() as place:
        plan = make_plan()
        session = open_session(Path(place), plan, trials=5)
        make_worker(session, plan, FakeTrainer()).run()
        session.storage.remove_session()
        session.storage.engine.dispose()
        connection = sqlite3.connect(Path(place) / "study.db")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return (Path(place) / "study.db").read_bytes()


ODD_CELLS = (
    None,
    "",
    "x",
    -1,
    2**62,
    1.5,
    float("inf"),
    b"\xff\xfe",
    "{",
    "[]",
    "null",
    '"x"',
    "[" * 2000,
    "\x1b[2J",
)


def change_cells(chance: Random, path: Path) -> None:
    """Write odd values into cells of a database, as scripts of others may."""
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    for _ in range(chance.choice((1, 1, 3))):
        table = chance.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        where = "" if chance.random() < 0.5 else " WHERE rowid = 1"
        values: tuple[Any, ...] = (chance.choice(ODD_CELLS),)
        statement = f"UPDATE OR IGNORE {table} SET {chance.choice(columns)} = ?{where}"
        if chance.random() < 0.15:
            gone = ("DELETE FROM {}", "DROP TABLE {}", "ALTER TABLE {} RENAME TO other")
            statement, values = chance.choice(gone).format(table), ()
            tables.remove(table)
        try:
            connection.execute(statement, values)
        except sqlite3.Error:
            continue
    connection.commit()
    connection.close()


def change_json(chance: Random, path: Path) -> None:
    """Write an odd value into the JSON of one attribute of a study or a trial."""
    connection = sqlite3.connect(path)
    table = chance.choice(("study_user_attributes", "trial_user_attributes"))
    rows = connection.execute(f"SELECT rowid, value_json FROM {table}").fetchall()
    structured = [row for row in rows if ": " in row[1]]
    if structured:
        number, text = chance.choice(structured)
        changed = odd_json(chance, text)
        connection.execute(f"UPDATE {table} SET value_json = ? WHERE rowid = ?", (changed, number))
    connection.commit()
    connection.close()


def damaged_database(chance: Random, folder: Path) -> Input:
    database(folder / "my.db")
    kind = chance.random()
    if kind < 0.4:
        change_cells(chance, folder / "my.db")
    elif kind < 0.7:
        change_json(chance, folder / "my.db")
    else:
        content = (folder / "my.db").read_bytes()
        for _ in range(chance.choice((1, 4, 20))):
            content = chance.choice(BYTES[:2] if chance.random() < 0.8 else BYTES)(chance, content)
        (folder / "my.db").unlink()
        write(chance, folder / "my.db", content)
    command = chance.choice((
        "status --study cells", "status --study cells --json", "best --study cells",
        "export --study cells --to out",
        "storage backup --to out.db", "storage copy --to out.db", "storage upgrade", "doctor",
        "doctor --study cells",
        "export --study cells --to out --as csv,figures",
    ))  # fmt: skip
    arguments = [*command.split(), "--storage", "my.db"]
    return Input(
        arguments=arguments, writes=("my.db", "out.db") if "storage" in command else ("my.db",)
    )


def cached(place: Path, number: int) -> np.ndarray:
    """Return an entry of a cache; where it is not there, or damaged, it is computed."""
    from bcsearch.features.entry import EntryKey, Rows
    from bcsearch.features.store import Store

    ones = np.ones((4, 3), np.float32)
    rows = Rows(shape=ones.shape, dtype=ones.dtype, chunks=lambda: iter([ones]))
    key = EntryKey.of("activations", number=number)
    return Store(place, owner="mine on cells.npz").get_or_compute(key, lambda: rows).data


def cache_entry(chance: Random, folder: Path) -> Input:
    for number in range(2):
        cached(folder / "cache", number)
    entry = chance.choice(sorted((folder / "cache" / "entries").iterdir()))
    path = entry / chance.choice(("data.npy", "meta.json", "meta.json", "owners.json"))
    content = path.read_bytes()
    path.unlink()
    kind = chance.random()
    if kind < 0.3 and path.name == "meta.json":
        content = odd_json(chance, content.decode()).encode()
    elif kind < 0.9:
        content = chance.choice(BYTES)(chance, content)
    else:
        content = chance.choice(
            (b"[" * 100_000, pickle_that_tells(folder), b"", npz_file(chance, folder))
        )
    write(chance, path, content)
    command = chance.choice(
        (
            "cache list",
            "cache prune --all",
            "cache prune --to 10B",
            "refit --study cache",
            "refit --study cache",
        )
    )
    return Input(arguments=[*command.split(), "--cache-dir", "cache"], writes=("cache/*",))


def odd_json(chance: Random, text: str) -> str:
    places = list(re.finditer(r"(?<=: )[^,\n]+", text))
    place = chance.choice(places)
    odd = chance.choice(
        (
            '"x"',
            "null",
            "-1",
            "1e999",
            "9" * 400,
            "[]",
            "{}",
            "true",
            '"../../x"',
            "NaN",
            "[" * 3000,
            "1.5",
        )
    )
    return text[: place.start()] + odd + text[place.end() :]


@lru_cache
def good_model() -> bytes:
    """Return the file of a small model of images of 6x6 pixels and two classes."""
    import keras

    images = keras.Input((6, 6, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
    model = keras.Model(images, keras.layers.Dense(2, "softmax")(pooled))
    with TemporaryDirectory() as place:
        model.save(Path(place) / "model.keras")
        return (Path(place) / "model.keras").read_bytes()


ABOUT = """[study]
name = "cells"
uuid = "u"
[best]
trial = 3
score = 0.9
[model]
classes = [ "a", "b" ]
input_size = 6
square = "pad"
white = 255.0
[data]
source = "cells.npz"
drawn = false
"""


def odd_config(chance: Random, members: dict[str, bytes]) -> None:
    text = members["config.json"].decode()
    places = list(re.finditer(r'(?<=": )("[^"]*"|[\d.]+|null|true|false)', text))
    odd = (
        '"x"',
        "null",
        "-1",
        "8589934592",
        "[]",
        "{}",
        '"Lambda"',
        '"os"',
        '"system"',
        "1e999",
        "[" * 3000,
    )
    for _ in range(chance.choice((1, 3))):
        place = chance.choice(places)
        text = text[: place.start()] + chance.choice(odd) + text[place.end() :]
        places = list(re.finditer(r'(?<=": )("[^"]*"|[\d.]+|null|true|false)', text))
    members["config.json"] = text.encode()


def model_file(chance: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good_model())) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    kind = chance.random()
    if kind < 0.5:
        odd_config(chance, members)
    elif kind < 0.8:
        name = chance.choice(list(members))
        members[name] = chance.choice(BYTES)(chance, members[name])
    content = archive(members, zipfile.ZIP_STORED)
    if kind > 0.8:
        content = chance.choice(BYTES)(chance, content)
    return content


def model_folder(chance: Random, folder: Path) -> Input:
    about, content = ABOUT.encode(), good_model()
    if chance.random() < 0.4:
        about = toml_file(chance, odd_value(chance, ABOUT))
    else:
        content = model_file(chance)
    write(chance, folder / "model" / "best.toml", about)
    write(chance, folder / "model" / "model.keras", content)
    if chance.random() < 0.3:
        write(chance, folder / "model" / "training_images.npz", likeness_file(chance))
    np.savez(folder / "cells.npz", **GOOD)  # type: ignore[arg-type] # its own keyword
    command = chance.choice(("evaluate", "predict"))
    out = ["--out", "p.csv"] if command == "predict" else []
    return Input(
        arguments=[command, "--model", "model", "--data", "cells.npz", *out], writes=("p.csv",)
    )


def likeness_file(chance: Random) -> bytes:
    """Return a file of what training images look like, with a change in its bytes or arrays."""
    from bcsearch.check.likeness import MEASURES

    ones: np.ndarray = np.ones(len(MEASURES))
    arrays = dict.fromkeys(("low", "high", "spread"), ones)
    arrays["measures"] = np.array(list(MEASURES))
    arrays |= {"centres": np.ones((2, 4), np.float32), "scale": np.ones(4, np.float32)}
    odd = (np.array("x"), np.zeros((3, 0)), np.array([np.nan]), np.arange(5), np.zeros((2, 9)))
    arrays[chance.choice(list(arrays))] = chance.choice(odd)
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type] # its own keyword
    content = file.getvalue()
    return chance.choice(BYTES)(chance, content) if chance.random() < 0.5 else content


def rows_and_pictures(chance: Random, folder: Path) -> Input:
    """Write what ``data clean`` and ``data pack`` read, with a change in one of its files."""
    from bcsearch.data import load_dataset
    from bcsearch.data.excluded import MARK
    from bcsearch.data.pack import DESCRIPTION, write_pictures

    np.savez(folder / "cells.npz", **GOOD)  # type: ignore[arg-type] # its own keyword
    dataset = load_dataset(folder / "cells.npz")
    if chance.random() < 0.5:
        lines = [MARK.format(dataset.order_fingerprint), "row,reason,evidence", "1,copy,x", "2,,"]
        cells = [chance.choice(ODD_TEXTS), str(chance.randrange(-9, 99)), '"', "3;4", "\x00"]
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(cells) + ",odd,x")
        content = "\n".join(lines).encode("utf-8", "surrogatepass")
        if chance.random() < 0.5:
            content = chance.choice(BYTES)(chance, content)
        write(chance, folder / "rows.csv", content)
        arguments = ["data", "clean", "cells.npz", "--exclude", "rows.csv", "--out", "clean.npz"]
        return Input(arguments=arguments, writes=("clean.npz",))
    write_pictures(folder / "pictures", dataset)
    places = sorted((folder / "pictures").rglob("*.*"))
    place = chance.choice((folder / "pictures" / DESCRIPTION, *places))
    content = place.read_bytes()
    if place.name == DESCRIPTION and chance.random() < 0.5:
        content = odd_json(chance, content.decode()).encode("utf-8", "surrogatepass")
    else:
        content = chance.choice(BYTES)(chance, content)
    place.unlink()
    write(chance, place, content)
    return Input(arguments=["data", "pack", "pictures", "--out", "p.npz"], writes=("p.npz",))


DOORS = (
    Door(name="data file", share=250, make=data_file),
    Door(name="npy files", share=60, make=npy_files),
    Door(name="table", share=60, make=table_file),
    Door(name="image folder", share=80, make=image_folder),
    Door(name="sweep and space", share=200, make=plan_files),
    Door(name="option", share=120, make=option),
    Door(name="environment", share=30, make=environment),
    Door(name="storage URL", share=90, make=storage_url),
    Door(name="database", share=60, make=damaged_database),
    Door(name="cache entry", share=50, make=cache_entry),
    Door(name="model folder", share=40, make=model_folder),
    Door(name="rows and pictures", share=40, make=rows_and_pictures),
)


def inputs(door: Door, n_inputs: int) -> Iterator[int]:
    """Yield the numbers of the inputs that come by a door, of ``n_inputs`` by all."""
    yield from range(max(1, n_inputs * door.share // 1000))
