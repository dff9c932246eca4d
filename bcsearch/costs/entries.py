"""What trials read that is computed once and kept: views, and activations of views at cuts. Imports the pool only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import INPUT
from bcsearch.costs.speeds import Network

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import SegmentSpeed, Speeds

HALF = 2  # bytes of a number in an activation
Key = tuple[Network, str, str, int]
NO_NETWORK = ("", 0)  # of views, which all networks share
ORIGINAL = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One view of all images at a cut of a network, or at the cut ``input`` the view itself.

    Attributes:
        policy: of the augmentation; ``none`` and ``index`` 0 are the original.
        trained: share of the network's parameters above the cut.
        image_bytes: of one image.
    """

    network: Network
    cut: str
    policy: str
    index: int
    trained: float
    image_bytes: int

    def at(self, cut: str) -> Key:
        """Return what tells the same view at a cut of the same network from all others."""
        return self.network, cut, self.policy, self.index

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.at(self.cut)

    @property
    def is_pass(self) -> bool:
        """Whether making it takes passes through a network."""
        return self.cut != INPUT

    @property
    def view(self) -> str:
        """The view in words."""
        return f"{self.policy} {self.index}" if self.index else "original"


def entries_of(candidate: Candidate, view_bytes: int) -> list[Entry]:
    """Return what a trial reads, in the order in which it asks for it; the original itself is never kept."""
    policy = candidate.params.augment
    n_views = max(number for _, number in candidate.needs)
    blank = Entry(
        network=NO_NETWORK, cut=INPUT, policy=policy, index=0, trained=1.0, image_bytes=view_bytes
    )
    found = [replace(blank, index=index) for index in range(1, n_views)]
    for cut, number in candidate.needs:
        if cut.name == INPUT:
            continue
        here = replace(
            blank,
            network=candidate.network,
            cut=cut.name,
            trained=cut.fraction,
            image_bytes=HALF * cut.size,
        )
        found += [
            replace(here, index=index, policy=policy if index else ORIGINAL)
            for index in range(number)
        ]
    return found


def seconds_to_make(entry: Entry, kept: Collection[Key], speeds: Speeds) -> float:
    """Return the seconds that one image takes, from the nearest shallower cut that is kept of the same view."""
    if not entry.is_pass:
        return speeds.views[entry.policy]
    return sum(segment.per_image for segment in _segments(entry, kept, speeds))


def seconds_to_trace(entry: Entry, kept: Collection[Key], speeds: Speeds) -> float:
    """Return the seconds until the first image of the pass that makes an entry."""
    return sum(segment.build for segment in _segments(entry, kept, speeds))


def _segments(entry: Entry, kept: Collection[Key], speeds: Speeds) -> Sequence[SegmentSpeed]:
    """Return the measured parts of the network that are run to make an entry."""
    segments = speeds.segments[entry.network]
    last = next(place for place, segment in enumerate(segments) if segment.cut == entry.cut)
    first = last
    while first > 0 and entry.at(segments[first - 1].cut) not in kept:
        first -= 1
    return segments[first : last + 1]
