"""What a check writes is read again, for the same data alone."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.check.files import refuse_earlier, write_check
from bcsearch.data import Dataset
from bcsearch.data.excluded import read_excluded
from bcsearch.errors import DataError, DiskError
from bcsearch.records.checked import DataCheck, DataFinding, Verdict

if TYPE_CHECKING:
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
    from bcsearch.data.source import load_dataset, load_for_study

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
        (lambda text: text.replace("row,reason", "image,reason"), "has no column row"),
        (lambda _: "", "its first line names no dataset"),
    ],
)
def test_damaged_table_is_refused(folder: Path, change: object, complaint: str) -> None:
    exclude = folder / "exclude.csv"
    exclude.write_text(change(exclude.read_text()))  # type: ignore[operator]  # of the cases above
    with pytest.raises(DataError, match=r"exclude\.csv") as refused:
        read_excluded(exclude, DATA)
    assert complaint in str(refused.value)


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
    from bcsearch.config.sweep import Reading
    from bcsearch.data import load_dataset

    np.savez(tmp_path / "cells.npz", data=IMAGES, labels=DATA.labels)
    reading = Reading(groups=str(folder / "groups.csv"))
    groups = load_dataset(tmp_path / "cells.npz", None, reading).groups
    assert groups is not None
    assert groups.tolist() == ["0", "1", "2", "0", "1", "5"]
    np.savez(tmp_path / "more.npz", data=np.tile(IMAGES, (2, 1, 1, 1)), labels=[0, 1] * 6)
    with pytest.raises(DataError, match="6 rows that are not the numbers 0 to 11"):
        load_dataset(tmp_path / "more.npz", None, reading)
