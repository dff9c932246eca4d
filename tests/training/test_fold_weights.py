from __future__ import annotations

import numpy as np
import pytest

from bcsearch.training.fold_weights import Scaling, first_kernels, first_weights


def test_first_kernels_follow_glorot_and_differ_between_folds_and_layers() -> None:
    kernels = [first_kernels([100, 100, 100], fold, seed=1) for fold in range(2)]
    assert [[kernel.shape for kernel in fold] for fold in kernels] == [[(100, 100)] * 2] * 2
    draws = [kernel for fold in kernels for kernel in fold]
    limit = (6 / 200) ** 0.5
    for index, draw in enumerate(draws):
        assert 0.99 * limit < np.abs(draw).max() <= limit
        assert draw.std() == pytest.approx(limit / 3**0.5, rel=0.02)
        assert not any(np.array_equal(draw, other) for other in draws[:index])


def test_first_weights_begin_with_zero_biases_and_no_layers_of_the_backbone() -> None:
    weights = first_weights(Scaling.none(10), [10, 6, 3], fold=1, seed=1)
    assert [bias.tolist() for bias in weights.biases] == [[0.0] * 6, [0.0] * 3]
    assert weights.layers == {}
    for kernel, drawn in zip(weights.kernels, first_kernels([10, 6, 3], 1, seed=1), strict=True):
        np.testing.assert_array_equal(kernel, drawn)
