"""What a check writes is read again, for the same data alone."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.check.files import refuse_earlier, write_check
from bcsearch.config.sweep import Reading
from bcsearch.data import Dataset, load_dataset
from bcsearch.data.excluded import read_excluded, without_rows
from bcsearch.data.source import load_for_study
from bcsearch.errors import DataError, DiskError
from bcsearch.records.checked import DataCheck, DataFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
DATA = Dataset(images=IMAGES, labels=np.array([0, 1] * 3), class_names=("a", "=b"))
FINDINGS = (
    DataFinding(row=4, reason="copy", evidence="of row 1, =b", verdict=Verdict.EXCLUDE, other=1),
    DataFinding(row=4, reason="blurred", evidence="x", verdict=Verdict.REVIEW),
    DataFinding(row=2, reason="label", evidence='"odd", a', verdict=Verdict.REVIEW),
    DataFinding(row=0, reason="near copy", evidence="y", verdict=Verdict.GROUP, other=3),
)
CHECK = DataCheck(
    fingerprint=DATA.order_fingerprint, n_images=6, findings=FINDINGS, groups=((0, 3), (1, 4))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_check(tmp_path / "check", CHECK)
    return tmp_path / "check"


def rows(path: Path) -> list[list[str]]:
    first, *lines = path.read_text().splitlines()
    assert first.startswith("# bcsearch data check")
    return list(csv.reader(lines))


def test_tables_hold_what_was_found(folder: Path) -> None:
    assert rows(folder / "exclude.csv") == [
        ["row", "reason", "evidence"],
        ["4", "copy", "of row 1, =b"],
    ]
    assert rows(folder / "review.csv")[1:] == [["2", "label", '"odd", a']]
    groups = [int(group) for _, group in rows(folder / "groups.csv")[1:]]
    assert groups == [0, 1, 2, 0, 1, 5]
    assert len(json.loads((folder / "check.json").read_text())["findings"]) == 4


def test_lines_may_be_moved_between_the_files(folder: Path) -> None:
    exclude = folder / "exclude.csv"
    assert read_excluded(exclude, DATA) == [4]
    moved = (folder / "review.csv").read_text().splitlines()[2]
    exclude.write_text(exclude.read_text() + moved + "\n\n")
    assert read_excluded(exclude, DATA) == [2, 4]


def test_row_number_means_the_same_whatever_size_images_are_read_with(tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", data=IMAGES, labels=DATA.labels)
    own, small = load_dataset(tmp_path / "cells.npz"), load_for_study(tmp_path / "cells.npz", 4)
    assert own.fingerprint != small.fingerprint
    assert own.order_fingerprint == small.order_fingerprint


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.replace("\n4,", "\n6,"), "line 3 names row '6'; allowed: 0 to 5"),
        (lambda text: text.replace("\n4,", "\n-1,"), "line 3 names row '-1'"),
        (lambda text: text.replace("\n4,", "\nfour,"), "line 3 names row 'four'"),
        (lambda text: text.partition("\n")[2], "its first line names no dataset"),
        (lambda text: text.replace("row,reason", "image,reason"), "its second line is 'image,rea"),
        (lambda text: text.replace("row,reason,evidence\n", ""), "its second line is '4,copy"),
        (lambda text: text + '1,a,"open\n2,b,c\n', "is no table"),
        (lambda text: text + "9" * 5000 + ",a,b\n", "line 4 names row '9999"),
        (lambda text: text + "1," + "x" * 200_000 + "\n", "is no table"),
        (lambda _: "", "its first line names no dataset"),
    ],
)
def test_damaged_table_is_refused(
    folder: Path, change: Callable[[str], str], complaint: str
) -> None:
    exclude = folder / "exclude.csv"
    exclude.write_text(change(exclude.read_text()))
    with pytest.raises(DataError, match=r"exclude\.csv") as refused:
        read_excluded(exclude, DATA)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "save",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("row,reason,", "row;reason;").replace("4,copy,", "4;copy;"),
        lambda text: text.replace("row,reason,", "row\treason\t").replace("4,copy,", "4\tcopy\t"),
        lambda text: text + ",,\n\n",
        lambda text: '"' + text.replace("\n", '"\n', 1),
        lambda text: text.replace("\n", ",,\n", 1),
        lambda text: text.replace("\n4,", '\n"4",'),
    ],
)
def test_table_that_a_spreadsheet_saved_is_read(folder: Path, save: Callable[[str], str]) -> None:
    exclude = folder / "exclude.csv"
    exclude.write_text(save(exclude.read_text()))
    assert read_excluded(exclude, DATA) == [4]


def test_groups_are_no_rows_to_leave_out(folder: Path) -> None:
    with pytest.raises(DataError, match="its second line is 'row,group'"):
        read_excluded(folder / "groups.csv", DATA)


def test_class_that_would_be_left_out_whole_is_refused(folder: Path) -> None:
    exclude = folder / "exclude.csv"
    exclude.write_text(exclude.read_text() + "0,x,\n2,x,\n")
    with pytest.raises(DataError, match=r"--exclude .*leaves no images of class 'a'"):
        without_rows(DATA, exclude)


def test_class_name_that_ends_a_line_elsewhere_is_kept(tmp_path: Path) -> None:
    finding = replace(FINDINGS[0], evidence="of row 1, \u2028\x0c b")
    write_check(tmp_path / "odd", replace(CHECK, findings=(finding,)))
    assert read_excluded(tmp_path / "odd" / "exclude.csv", DATA) == [4]


def test_table_of_other_data_or_labels_is_refused(folder: Path) -> None:
    other = replace(DATA, labels=DATA.labels[::-1].copy())
    with pytest.raises(DataError, match="of another dataset, or of other labels"):
        read_excluded(folder / "exclude.csv", other)


def test_files_that_a_person_may_have_changed_are_not_overwritten(folder: Path) -> None:
    with pytest.raises(DiskError, match="may have been changed by hand"):
        refuse_earlier(folder, ("exclude.csv",))
    with pytest.raises(DiskError):
        write_check(folder, CHECK)


def test_groups_are_read_by_run(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", data=IMAGES, labels=DATA.labels)
    write_check(tmp_path / "own", replace(CHECK, fingerprint=fingerprint_of(tmp_path)))
    reading = Reading(groups=str(tmp_path / "own" / "groups.csv"))
    groups = load_dataset(tmp_path / "cells.npz", None, reading).groups
    assert groups is not None
    assert groups.tolist() == ["0", "1", "2", "0", "1", "5"]
    with pytest.raises(DataError, match="of another dataset"):
        load_dataset(tmp_path / "cells.npz", None, Reading(groups=str(folder / "groups.csv")))
    short = tmp_path / "own" / "groups.csv"
    short.write_text(short.read_text().rpartition("5,")[0])
    with pytest.raises(DataError, match="names 5 rows in 5 lines; needed: each of the 6 rows"):
        load_dataset(tmp_path / "cells.npz", None, reading)


def fingerprint_of(folder: Path) -> str:
    return load_dataset(folder / "cells.npz").order_fingerprint


def test_rows_are_left_out_and_groups_taken_beside_a_test_part(tmp_path: Path) -> None:
    parts = {"train": slice(0, 4), "test": slice(4, 6)}
    arrays = {f"{name}_images": IMAGES[rows] for name, rows in parts.items()}
    arrays |= {f"{name}_labels": DATA.labels[rows] for name, rows in parts.items()}
    np.savez(tmp_path / "cells.npz", **arrays)  # type: ignore[arg-type] # its own keyword
    finding = DataFinding(row=2, reason="copy", evidence="x", verdict=Verdict.EXCLUDE)
    check = DataCheck(
        fingerprint=fingerprint_of(tmp_path), n_images=4, findings=(finding,),
        groups=((0, 3),), own_groups=((1, 3),),
    )  # fmt: skip
    write_check(tmp_path / "own", check)
    own = tmp_path / "own"
    reading = Reading(groups=str(own / "groups.csv"), exclude=str(own / "exclude.csv"))
    dataset = load_for_study(tmp_path / "cells.npz", 8, reading)
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["0", "0", "2", "0"]
    assert dataset.kept.tolist() == [0, 1, 3]
    assert dataset.test is not None
    assert "1 of 4 images are left out" in dataset.notes[-2]
