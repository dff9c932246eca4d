"""The table of checks: from images, features and labels to findings and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bcsearch.data.arrays import digests

if TYPE_CHECKING:
    from bcsearch.data.dataset import Dataset
    from bcsearch.features.features import Features


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


Check = Callable[["Dataset", "Features"], Checked]


def exact_duplicates(dataset: Dataset, features: Features | None = None) -> Checked:
    """Put images with the very same pixels into one group."""
    _, groups, sizes = np.unique(digests(dataset.images), return_inverse=True, return_counts=True)
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
    n_leaked = int(np.isin(groups[dataset.valid], groups[~dataset.valid]).sum())
    findings = [line]
    if n_leaked:
        findings.append(
            f"warning: {n_leaked} of {int(dataset.valid.sum())} validation images are copies of "
            "training images, so scores are too high; --join-val makes folds that split no group"
        )
    return Checked(findings=tuple(findings), groups=groups)


CHECKS: dict[str, Check] = {"exact_duplicates": exact_duplicates}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedDataset:
    """A dataset with the groups that the checks found joined to its own, and all findings."""

    dataset: Dataset
    findings: tuple[str, ...]


def check_dataset(dataset: Dataset, features: Features) -> CheckedDataset:
    """Run every check, and join the groups that they find with the dataset's own."""
    results = [check(dataset, features) for check in CHECKS.values()]
    findings = tuple(line for result in results for line in result.findings)
    found = [result.groups for result in results if result.groups is not None]
    if not found:
        return CheckedDataset(dataset=dataset, findings=findings)
    if dataset.groups is not None:
        found.append(np.unique(dataset.groups, return_inverse=True)[1])
    groups = joined(found)
    return CheckedDataset(dataset=replace(dataset, groups=groups), findings=findings)


def joined(partitions: list[np.ndarray]) -> np.ndarray:
    """Return the finest groups (n_images,) that contain every group of every partition."""
    n_images = len(partitions[0])
    offsets = n_images + np.cumsum([0, *(part.max() + 1 for part in partitions)])
    hubs = np.concatenate(
        [part + offset for part, offset in zip(partitions, offsets, strict=False)]
    )
    images = np.tile(np.arange(n_images), len(partitions))
    links = coo_array((np.ones(len(hubs)), (images, hubs)), shape=(offsets[-1], offsets[-1]))
    groups: np.ndarray = connected_components(links, directed=False)[1][:n_images]
    return groups
