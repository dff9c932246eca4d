"""What people have on disk, in tables: what is read, and what is said of it."""

from __future__ import annotations

import builtins
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from bcsearch.config import Reading
from bcsearch.data import load_dataset, load_for_study, load_images, load_unlabelled
from bcsearch.data.folds import make_folds
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bcsearch.data import Dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
LABELS = np.arange(12) % 3
TEXT = np.array(["cat", "ape", "dog"])[LABELS]


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path / "cells.npz", **arrays)
    return path / "cells.npz"


def save(path: Path, row: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(IMAGES[row]).save(path)


ARRAYS: dict[str, dict[str, Any]] = {
    "data and labels": {"data": IMAGES, "labels": LABELS},
    "images and labels": {"images": IMAGES, "labels": LABELS},
    "X and y": {"X": IMAGES, "y": LABELS},
    "unnamed": {"arr_0": IMAGES, "arr_1": LABELS},
    "data and another name": {"data": IMAGES, "target": LABELS},
    "our own beside others": {"data": IMAGES, "labels": LABELS, "x": IMAGES, "y": LABELS[::-1]},
    "channels first": {"data": IMAGES.transpose(0, 3, 1, 2), "labels": LABELS},
    "one-hot": {"x": IMAGES, "y": np.eye(3)[LABELS]},
    "floats 0 to 1": {"x": IMAGES / 255, "y": LABELS},
    "floats slightly off 0 to 1": {"x": IMAGES / 255 * 1.00001 - 1e-7, "y": LABELS},
    "floats 0 to 255": {"x": IMAGES.astype(np.float32), "y": LABELS},
    "floats slightly off 0 to 255": {"x": IMAGES * 1.00001 - 1e-4, "y": LABELS},
    "MedMNIST": {
        "train_images": IMAGES[:8], "train_labels": LABELS[:8, None],
        "val_images": IMAGES[8:], "val_labels": LABELS[8:, None],
        "test_images": IMAGES[:2], "test_labels": LABELS[:2, None],
    },
    "Keras": {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:2], "y_test": LABELS[:2]},
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_under_known_keys_give_the_same_images_and_labels(case: str, tmp_path: Path) -> None:
    dataset = load_dataset(npz(tmp_path, **ARRAYS[case]))
    assert np.array_equal(dataset.images, IMAGES)
    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.notes[0].startswith("read as ")
    for key in list(ARRAYS[case])[:2]:
        assert key in dataset.notes[0]


def test_every_key_can_be_named(tmp_path: Path) -> None:
    path = npz(tmp_path, a=IMAGES, b=LABELS, x=IMAGES[:2], y=[0, 1])
    dataset = load_dataset(path, None, Reading(images_key="a", labels_key="b"))
    assert dataset.n_images == 12
    with pytest.raises(DataError, match=r"has no 'c'; it holds a, b, x, y"):
        load_dataset(path, None, Reading(images_key="c"))


def test_arrays_beside_images_and_labels_are_used_or_named(tmp_path: Path) -> None:
    patients = np.arange(12) // 2
    names = {"target_names": ["ape", "cat", "dog"], "Patient": patients, "age": patients}
    dataset = load_dataset(npz(tmp_path, data=IMAGES, labels=np.eye(3)[LABELS], **names))
    assert dataset.class_names == ("ape", "cat", "dog")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == patients.tolist()
    taken, left = dataset.notes[:2]
    assert "labels as one column for each class" in taken
    assert "groups in Patient" in taken
    assert left == "not read: age"


def test_images_with_an_opacity_are_laid_on_white(tmp_path: Path) -> None:
    opacity = np.full((12, 8, 8, 1), 255, np.uint8)
    opacity[:, :4] = 0
    opacity[:, 4] = 51
    dataset = load_dataset(npz(tmp_path, x=np.concatenate([IMAGES, opacity], -1), y=LABELS))
    assert (dataset.images[:, :4] == 255).all()
    assert np.array_equal(dataset.images[:, 5:], IMAGES[:, 5:])
    np.testing.assert_allclose(dataset.images[:, 4], 204 + IMAGES[:, 4] / 5, atol=0.51)


@dataclass(frozen=True, kw_only=True)
class Named:
    """Labels as they lie in a file, with the classes that they are."""

    labels: Any
    classes: tuple[str, ...]
    class_names: Any = None


NAMED = {
    "text": Named(labels=TEXT, classes=("ape", "cat", "dog")),
    "bytes": Named(labels=TEXT.astype("S"), classes=("ape", "cat", "dog")),
    "text in an order of its own": Named(
        labels=TEXT, class_names=["dog", "cat", "ape"], classes=("dog", "cat", "ape")
    ),
    "from one": Named(labels=LABELS + 1, classes=("1", "2", "3")),
    "from one with names": Named(
        labels=LABELS + 1, class_names=["a", "b", "c"], classes=("a", "b", "c")
    ),
    "gaps": Named(labels=np.array([0, 5, 10])[LABELS], classes=("0", "5", "10")),
    "numbers too long to be any": Named(
        labels=np.array(["1", "9" * 5000, "2"])[LABELS], classes=("1", "2", "9" * 5000)
    ),
    "a class without images": Named(
        labels=np.array([0, 1, 3])[LABELS],
        class_names=["a", "b", "c", "d"],
        classes=("a", "b", "d"),
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_labels_of_every_kind_become_classes_by_name(case: str, tmp_path: Path) -> None:
    named = NAMED[case]
    more = {} if named.class_names is None else {"class_names": named.class_names}
    dataset = load_dataset(npz(tmp_path, data=IMAGES, labels=named.labels, **more))
    assert dataset.class_names == named.classes
    found = [dataset.class_names[label] for label in dataset.labels]
    expected = [
        str(label.decode() if isinstance(label, bytes) else label) for label in named.labels
    ]
    if named.class_names is not None and named.labels.dtype.kind != "U":
        first = 1 if named.labels.min() else 0
        expected = [named.class_names[label - first] for label in named.labels]
    assert found == expected


def test_one_rgb_image_is_no_pile_of_gray_ones(tmp_path: Path) -> None:
    path = npz(tmp_path, data=IMAGES[0])
    assert load_unlabelled([path], 8).images.shape == (1, 8, 8, 3)
    gray = npz(tmp_path, data=IMAGES[0], labels=[0, 1] * 4)
    assert load_dataset(gray).n_images == 8


def test_a_pair_of_npy_files_is_read_from_either_or_their_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "x_train.npy", IMAGES)
    np.save(tmp_path / "y_train.npy", LABELS)
    for path in (tmp_path, tmp_path / "x_train.npy"):
        assert load_dataset(path).fingerprint == load_dataset(tmp_path).fingerprint
        assert load_dataset(path).labels.tolist() == LABELS.tolist()


def splits(path: Path) -> Path:
    for row, name in enumerate(("train", "train", "Validation", "test")):
        for kind in "ab":
            save(path / name / kind / f"{row}.png", row * 2 + (kind == "b"))
    return path


def labelled(path: Path) -> Path:
    for row in range(6):
        save(path / "images" / f"{row}.png", row)
    rows = [f"{row}.png,{'ab'[row % 2]},p{row // 2}" for row in range(6)]
    (path / "labels.csv").write_text("\n".join(["file_name,label,patient", *rows]))
    return path


def table(path: Path, header: str = "path;class;split", end: str = ".csv") -> Path:
    labelled(path)
    (path / "labels.csv").unlink()
    parts = ("train", "train", "train", "train", "val", "test")
    rows = [f"images/{row}.png;{'ab'[row % 2]};{part}" for row, part in enumerate(parts)]
    (path / f"cells{end}").write_text("\n".join([header, *rows]), encoding="utf-8-sig")
    return path / f"cells{end}"


def test_splits_of_class_folders_are_honoured(tmp_path: Path) -> None:
    dataset = load_for_study(splits(tmp_path), 8)
    assert dataset.class_names == ("a", "b")
    assert dataset.n_images == 6
    assert dataset.test is not None
    assert dataset.test.names == ("test/a/3.png", "test/b/3.png")
    made = make_folds(dataset, n_folds=5)
    assert (made.kind, made.n_folds) == ("given", 1)
    names = dataset.names or ()
    assert {names[row].split("/")[0] for row in made.folds[0].valid} == {"Validation"}
    assert "the single fold" in " ".join(dataset.notes)


def test_validation_part_is_joined_when_asked(tmp_path: Path) -> None:
    path = splits(tmp_path)
    joined = load_for_study(path, 8, Reading(join_val=True))
    assert joined.fingerprint == load_for_study(path, 8).fingerprint  # the folds differ
    assert make_folds(joined, n_folds=3).n_folds == 3
    assert "joined" in " ".join(joined.notes)


def test_test_part_is_what_is_scored(tmp_path: Path) -> None:
    found = load_images(splits(tmp_path), 8)
    assert found.names == ("test/a/3.png", "test/b/3.png")
    assert "the test part is used, 2 images" in found.notes[-1]


def test_folders_named_as_splits_are_classes_only_when_that_is_said(tmp_path: Path) -> None:
    for name in ("train/1", "train/2", "bus/1", "car/1"):
        save(tmp_path / f"{name}.png")
    assert load_dataset(tmp_path).class_names == ("bus", "car", "train")
    only = tmp_path / "only"
    for name in ("train/1", "test/1"):
        save(only / f"{name}.png")
    with pytest.raises(DataError, match="--layout classes"):
        load_dataset(only)
    assert load_dataset(only, 8, Reading(layout="classes")).class_names == ("test", "train")


def test_a_table_beside_images_brings_labels_and_groups(tmp_path: Path) -> None:
    dataset = load_dataset(labelled(tmp_path), 8)
    assert dataset.class_names == ("a", "b")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert np.array_equal(dataset.images, IMAGES[:6])
    assert "images file_name, labels label, groups patient" in dataset.notes[0]


def test_two_columns_of_labels_are_taken_only_where_they_say_the_same(tmp_path: Path) -> None:
    for row in range(4):
        save(tmp_path / f"{row}.png", row)
    for classes, is_clear in (("abab", True), ("aabb", False)):
        lines = ["path,label,class"]
        lines += [f"{row}.png,{row % 2},{name}" for row, name in enumerate(classes)]
        (tmp_path / "t.csv").write_text("\n".join(lines))
        if is_clear:
            assert load_dataset(tmp_path / "t.csv", 8).class_names == ("a", "b")
            continue
        with pytest.raises(DataError, match="columns label, class may all hold the labels"):
            load_dataset(tmp_path / "t.csv", 8)
        chosen = Reading(labels_key="label")
        assert load_dataset(tmp_path / "t.csv", 8, chosen).labels.tolist() == [0, 1, 0, 1]


def test_paths_of_windows_are_found(tmp_path: Path) -> None:
    for row in range(2):
        for folder in ("a", "b"):  # so that the names alone would not tell
            save(tmp_path / folder / f"{row}.png", row)
    lines = ["path,label", *(f"{name}\\{row}.png,{name}" for name in "ab" for row in range(2))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert np.array_equal(load_dataset(tmp_path / "t.csv", 8).images, IMAGES[[0, 1, 0, 1]])


def test_a_table_of_paths_brings_a_split(tmp_path: Path) -> None:
    dataset = load_for_study(table(tmp_path), 8)
    assert dataset.n_images == 5
    assert dataset.valid is not None
    assert dataset.valid.tolist() == [False] * 4 + [True]
    assert dataset.test is not None
    assert dataset.test.names == ("images/5.png",)


def test_a_parquet_table_is_read_as_a_csv_is(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    path = table(tmp_path)
    as_csv = load_for_study(path, 8).fingerprint
    header, *rows = path.read_text(encoding="utf-8-sig").splitlines()
    columns = zip(*(row.split(";") for row in rows), strict=True)
    made = dict(zip(header.split(";"), map(list, columns), strict=True))
    parquet.write_table(arrow.table(made), tmp_path / "cells.parquet")
    assert load_for_study(tmp_path / "cells.parquet", 8).fingerprint == as_csv


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"bytes": b"x", "path": "1.png"}, "image holds struct<.*, and no paths"),
        (b"x", "image holds binary, and no paths"),
    ],
    ids=["struct", "bytes"],
)
def test_a_parquet_table_of_the_images_themselves_is_one_line(
    cell: Any, words: str, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    made = arrow.table({"image": [cell] * 2, "label": ["a", "b"]})
    parquet.write_table(made, tmp_path / "cells.parquet")
    with pytest.raises(DataError, match=words):
        load_dataset(tmp_path / "cells.parquet")


def test_parquet_without_its_package_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def missing(name: str, *args: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return found(name, *args)

    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DataError, match=r"bcsearch\[parquet\]"):
        load_dataset(tmp_path / "a.parquet")


def one_hot(path: Path, *rows: str, header: str = "image,MEL,NV,UNK,patient") -> Path:
    labelled(path)
    given = [f"{row},{cells},p{row // 2}" for row, cells in enumerate(rows)]
    (path / "labels.csv").write_text("\n".join([header, *given]))
    return path / "labels.csv"


def test_a_column_for_each_class_is_read_as_labels(tmp_path: Path) -> None:
    path = one_hot(tmp_path, "1.0,0.0,0.0", "0.0,1.0,0.0", "0.0,1.0,0.0", "1.0,0.0,0.0")
    dataset = load_dataset(path, 8)
    assert dataset.class_names == ("MEL", "NV")
    assert dataset.labels.tolist() == [0, 1, 1, 0]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["p0", "p0", "p1", "p1"]
    said = " | ".join(dataset.notes)
    assert "a column of 0 and 1 for each class (MEL, NV, UNK)" in said
    assert "without images to train on are left out: UNK" in said


@pytest.mark.parametrize("cells", ["1,1,0", "0,0,0"])
def test_rows_without_one_class_are_named(cells: str, tmp_path: Path) -> None:
    path = one_hot(tmp_path, "1,0,0", cells, "0,1,0")
    words = r"1 images have no 1, or more than one, .* \(MEL, NV, UNK\): 1; keep"
    with pytest.raises(DataError, match=words):
        load_dataset(path, 8)
    named = load_dataset(path, 8, Reading(labels_key="MEL"))
    assert named.class_names == ("0", "1")


BAD_TABLES: Mapping[str, tuple[str, str]] = {
    "no paths": ("where;class;split", "no column of paths among where, class, split"),
    "two of labels": ("path;dx;diagnosis", "columns dx, diagnosis may all hold the labels"),
    "strange splits": ("path;split;label", "column of splits holds a, b; allowed: train, val"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_tables_that_say_too_little_are_one_line(case: str, tmp_path: Path) -> None:
    header, words = BAD_TABLES[case]
    with pytest.raises(DataError) as caught:
        load_dataset(table(tmp_path, header), 8)
    assert words in str(caught.value)


def test_images_that_a_table_names_and_nobody_has_are_all_named(tmp_path: Path) -> None:
    path = table(tmp_path)
    for row in (0, 1):
        (tmp_path / f"images/{row}.png").unlink()
    with pytest.raises(DataError, match=r"2 of 6 images .*images/0.png, images/1.png"):
        load_dataset(path, 8)
    assert load_dataset(path, 8, Reading(skip_damaged=True)).n_images == 3


def folder(path: Path) -> Path:
    for row in range(6):
        save(path / "ab"[row % 2] / f"p{row // 2}_{row}.png", row)
    return path


GROUPS: Mapping[str, Callable[[Path], Reading]] = {
    "pattern": lambda _: Reading(groups_from=r"^([^_]+)_"),
    "pattern without a group": lambda _: Reading(groups_from=r"p\d+"),
    "table of paths": lambda path: Reading(
        groups=written(path, "path,group", lambda name: f"{name},{name[2:4]}")
    ),
    "table of names": lambda path: Reading(
        groups=written(path, "x,y", lambda name: f"{name[2:]},{name[2:4]}")
    ),
    "one column": lambda path: Reading(groups=written(path, "who", lambda name: name[2:4])),
}


def written(path: Path, header: str, row: Callable[[str], str]) -> str:
    names = load_dataset(path, 8).names or ()
    (path.parent / "groups.csv").write_text("\n".join([header, *map(row, names)]))
    return str(path.parent / "groups.csv")


@pytest.mark.parametrize("case", GROUPS)
def test_groups_come_from_a_table_or_the_file_names(case: str, tmp_path: Path) -> None:
    path = folder(tmp_path / "cells")
    dataset = load_dataset(path, 8, GROUPS[case](path))
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["p0", "p1", "p2", "p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"groups_from": "q(.)"}, "finds no group in 6 images: a/p0_0.png"),
        ({"groups_from": "("}, "is no pattern"),
        ({"groups_from": "p", "groups": "x.csv"}, "give one of them"),
    ],
)
def test_groups_that_are_not_there_are_one_line(
    reading: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(folder(tmp_path / "cells"), 8, Reading(**reading))
    assert words in str(caught.value)


def test_nothing_is_passed_over_without_a_word(tmp_path: Path) -> None:
    folder(tmp_path)
    save(tmp_path / "loose.png")
    save(tmp_path / "a/deep/1.png")
    save(tmp_path / ".hidden/1.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a/notes.txt").write_text("notes")
    (tmp_path / "a/gone.png").symlink_to("nowhere.png")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    dataset = load_dataset(tmp_path, 8)
    said = " | ".join(dataset.notes)
    assert dataset.n_images == 6
    for words in (
        "class folders: a 3, b 3",
        "left out: 2 images that lie higher or deeper",
        "folders without images (empty)",
        "1 hidden",
        "1 links to nowhere",
        "1 other files (.txt)",
        "1 folders within themselves",
    ):
        assert words in said
    assert len(load_unlabelled([tmp_path], 8).images) == 8


def test_damaged_images_are_all_named_or_left_out(tmp_path: Path) -> None:
    folder(tmp_path)
    for name in ("a/p0_0.png", "b/p0_1.png"):
        (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, 8)
    for words in ("2 of 6 images", "a/p0_0.png", "b/p0_1.png", "--skip-damaged"):
        assert words in str(caught.value)
    kept = load_dataset(tmp_path, 8, Reading(skip_damaged=True))
    assert kept.names == ("a/p1_2.png", "a/p2_4.png", "b/p1_3.png", "b/p2_5.png")
    assert "2 of 6 images cannot be read and are left out" in " ".join(kept.notes)


def test_names_are_made_writable_and_compared_composed(tmp_path: Path) -> None:
    for name in ("Mu\u0308ll", os.fsdecode(b"Gl\xe9s")):
        save(tmp_path / name / os.fsdecode(b"\xe9.png"))
    dataset = load_dataset(tmp_path, 8)
    assert set(dataset.class_names) == {"M\u00fcll", "Gl\\xe9s"}
    assert set(dataset.names or ()) == {"Mu\u0308ll/\\xe9.png", "Gl\\xe9s/\\xe9.png"}
    " ".join((*dataset.class_names, *(dataset.names or ()))).encode("utf-8")


WIDE = np.zeros((6, 20, 80, 3), np.uint8)
WIDE[:, :, :20] = 200  # the class at the edge


def wide_arrays(path: Path) -> Path:
    return npz(path, data=WIDE, labels=[0, 1] * 3)


def wide_files(path: Path) -> Path:
    for row in range(6):
        (path / "ab"[row % 2]).mkdir(exist_ok=True)
        Image.fromarray(WIDE[row]).save(path / "ab"[row % 2] / f"{row}.png")
    return path


def test_a_share_that_rounds_to_nothing_is_not_called_nothing(tmp_path: Path) -> None:
    for row in range(4):
        side = 200 + (row == 0)
        folder = tmp_path / "ab"[row % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((200, side, 3), np.uint8) + row).save(folder / f"{row}.png")
    assert "leaves out less than 1% of" in " ".join(load_for_study(tmp_path, 20).notes)


@pytest.mark.parametrize("source", [wide_arrays, wide_files])
def test_what_a_centred_square_leaves_out_is_said_and_can_be_kept(
    source: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = source(tmp_path)

    def corner(**reading: Any) -> Dataset:
        return load_for_study(path, 20, Reading(**reading))

    cut, padded, squeezed = corner(), corner(square="pad"), corner(square="squash")
    assert "leaves out 75% of the pixels (a study with --square pad or squash" in " ".join(
        cut.notes
    )
    assert cut.images.max() == 0
    assert padded.images[0, 10, 1].max() == 200
    assert padded.images[0, 0].max() == 0
    assert squeezed.images[0, 0, 1].max() == 200
    for made in (cut, padded, squeezed):
        assert made.images.shape == (6, 20, 20, 3)
        assert made.sizes is not None
        assert made.sizes[0].tolist() == [20, 80]


def test_images_are_predicted_from_paths_patterns_and_folders(tmp_path: Path) -> None:
    folder(tmp_path)
    one = tmp_path / "a/p0_0.png"
    assert load_unlabelled([one], 8).row_names == ("p0_0.png",)
    assert len(load_unlabelled([one, tmp_path / "b"], 8).images) == 4
    both = load_unlabelled([f"{tmp_path}/*/p0*.png"], 8)
    assert both.row_names == (str(one), str(tmp_path / "b/p0_1.png"))
    with pytest.raises(DataError, match="no file is called so"):
        load_unlabelled([f"{tmp_path}/*.webp"], 8)


def test_other_images_are_kept_for_the_finished_model(tmp_path: Path) -> None:
    path = npz(tmp_path, data=IMAGES, labels=TEXT)
    other = tmp_path / "other"
    save(other / "dog/1.png", 0)
    save(other / "ape/1.png", 1)
    dataset = load_for_study(path, 8, Reading(test=str(other)))
    assert dataset.fingerprint == load_for_study(path, 8).fingerprint
    assert dataset.test is not None
    assert len(dataset.test.images) == 2
    assert "2 test images are exact copies of training images" in " ".join(dataset.notes)
    save(other / "yak/1.png", 1)
    with pytest.raises(DataError, match="not trained on: yak; known: ape, cat, dog"):
        load_for_study(path, 8, Reading(test=str(other)))
