"""Exact copies as groups that no fold splits: what every run looks for before it makes folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.groups import partition, rows_by
from bcsearch.data.arrays import digests

if TYPE_CHECKING:
    from bcsearch.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """What one check found.

    Attributes:
        findings: lines for the reader.
        groups: shape (n_images,), integers; images of one number must not stand on both sides of a
            fold. None where the check has nothing to say on that.
    """

    findings: tuple[str, ...] = ()
    groups: np.ndarray | None = None


def exact_duplicates(dataset: Dataset) -> Checked:
    """Put images with the very same pixels into one group, but for those that are left out."""
    texts = np.arange(dataset.n_images).astype("U32")
    texts[dataset.kept] = np.array(digests(dataset.images))[dataset.kept]
    _, groups, sizes = np.unique(texts, return_inverse=True, return_counts=True)
    copies = sizes[groups] > 1
    if not copies.any():
        return Checked()
    n_groups = int((sizes > 1).sum())
    pairs = np.unique(np.stack([groups, dataset.labels])[:, copies], axis=1)
    n_mixed = int((np.bincount(pairs[0]) > 1).sum())
    line = (
        f"{int(copies.sum())} images are exact copies of one another, in {n_groups} groups, "
        f"{n_mixed} of them with different labels"
    )
    if dataset.valid is None:
        return Checked(findings=(f"{line}; no fold splits a group",), groups=groups)
    valid = dataset.valid[dataset.kept]
    n_leaked = int(np.isin(groups[dataset.kept][valid], groups[dataset.kept][~valid]).sum())
    findings = [line]
    if n_leaked:
        findings.append(
            f"warning: {n_leaked} of {int(valid.sum())} validation images are copies of "
            "training images, so scores are too high; --join-val makes folds that split no group"
        )
    return Checked(findings=tuple(findings), groups=groups)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedDataset:
    """A dataset with groups of exact copies joined to its own, and what to say of them."""

    dataset: Dataset
    findings: tuple[str, ...]


def check_dataset(dataset: Dataset) -> CheckedDataset:
    """Join the groups of exact copies with the dataset's own."""
    found = exact_duplicates(dataset)
    groups = found.groups
    if groups is None:
        return CheckedDataset(dataset=dataset, findings=found.findings)
    if dataset.groups is not None:
        groups = joined([groups, np.unique(dataset.groups, return_inverse=True)[1]])
    return CheckedDataset(dataset=replace(dataset, groups=groups), findings=found.findings)


def joined(partitions: list[np.ndarray]) -> np.ndarray:
    """Return the finest groups (n_images,) that contain every group of every partition."""
    groups = [rows for keys in partitions for rows in rows_by(keys)]
    numbers: np.ndarray = np.unique(partition(groups, len(partitions[0])), return_inverse=True)[1]
    return numbers
