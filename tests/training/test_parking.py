from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("free_bytes", "in_files"), [(10**9, False), (100, True)])
def test_every_fold_wakes_as_it_was_parked(free_bytes: int, in_files: bool) -> None:
    import tensorflow as tf

    from bcsearch.training.parking import Parking

    variables = [
        tf.Variable(tf.zeros((3, 4))),
        tf.Variable(0.0),
        tf.Variable(tf.zeros((2,), tf.uint32)),
    ]
    parking = Parking(variables, n_folds=2, free_bytes=free_bytes)
    assert parking.in_files == in_files
    for fold in range(2):
        for variable in variables:
            variable.assign(tf.cast(tf.fill(variable.shape, fold + 5), variable.dtype))
        parking.park(fold)
    for fold in (1, 0, 1):
        parking.wake(fold)
        assert [float(np.max(variable.numpy())) for variable in variables] == [fold + 5] * 3
        variables[0].assign_add(tf.ones((3, 4)))  # what is not parked is forgotten
        parking.wake(fold)
        np.testing.assert_array_equal(variables[0].numpy(), np.full((3, 4), fold + 5))
