"""What a study costs: passes and cache, counted exactly; seconds, as measured on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCost:
    """The activations of one view of all images at one cut, or the view itself.

    Attributes:
        backbone: empty for a view, which all backbones share.
        cut: name of the layer; ``pooled`` are the features, ``input`` the view.
        unfrozen: share of the backbone's parameters above the cut, 0 to 1.
        view: the operations that the images went through.
        passes: images put through a part of the backbone; 0 for a view, and where they are kept
            already.
        seconds: from the cut above it in this table that has the same view; 0 where they are kept
            already.
        cache_bytes: on disk; 0 where they are kept already.
        kept: whether they are kept already.
    """

    backbone: str
    image_size: int
    cut: str
    unfrozen: float
    view: str
    passes: int
    seconds: float
    cache_bytes: int
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochCost:
    """An epoch of all folds that trains what is above a cut, as a mean over the space."""

    backbone: str
    image_size: int
    cut: str
    unfrozen: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCosts:
    """What a study of ``trials`` trials may cost on this machine, by one worker.

    Attributes:
        rows: what is computed once if every choice of the space is tried, the shallowest cut first.
        epochs: what training costs, the head alone first.
        fewest_epochs: after which a trial may be pruned or end.
        most_epochs: that a trial may train.
        least_seconds: if every trial ends after the fewest epochs; all passes are in it.
        most_seconds: if every trial trains to the end; all passes are in it.
        most_fresh_passes: images put through a part of a backbone anew in every epoch, kept
            nowhere, if every trial trains to the end where most are.
        end_share: of the trials' seconds, the most that choosing among them takes, without the
            refit.
    """

    trials: int
    rows: tuple[PassCost, ...]
    epochs: tuple[EpochCost, ...]
    fewest_epochs: int
    most_epochs: int
    least_seconds: float
    most_seconds: float
    most_fresh_passes: int = 0
    end_share: float = 0.0

    @property
    def passes(self) -> int:
        """Images put through a part of a backbone once, if every choice is tried."""
        return sum(row.passes for row in self.rows)

    @property
    def cache_bytes(self) -> int:
        """Disk that is needed, if every choice is tried."""
        return sum(row.cache_bytes for row in self.rows)

    @property
    def pass_seconds(self) -> float:
        """Seconds of all that is computed once."""
        return sum(row.seconds for row in self.rows)
