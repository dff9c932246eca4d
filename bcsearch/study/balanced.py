"""Points that are spread evenly over a whole search space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from bcsearch.config import Space
    from bcsearch.recipe import Value


def balanced_points(space: Space, n_points: int, seed: int) -> list[dict[str, Value]]:
    """Return points that try every value of every choice alike and spread over every range.

    A Latin hypercube (McKay and others, 1979) that respects conditions: of each parameter, the
    points where it acts have one value from each of as many equal parts of its domain.
    """
    points = [dict(space.fixed) for _ in range(n_points)]
    for name, param in space.varied.items():
        random = np.random.default_rng(derive_seed(seed, "balanced", name))
        acting = [point for point in points if param.acts_in(point)]
        places = random.random(len(acting))  # inside of its part
        if param.n_values <= len(acting):
            places = np.full(len(acting), 0.5)  # so that each value comes at least once
        shares = (random.permutation(len(acting)) + places) / max(1, len(acting))
        for point, share in zip(acting, shares, strict=True):
            point[name] = param.at(float(share))
    return [{name: point[name] for name in space.varied if name in point} for point in points]
