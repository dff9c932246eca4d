from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

N_IMAGES = 600  # three chunks, the last one short


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N_IMAGES, 12, 12, 3), np.uint8)


def whole_view(images: np.ndarray, copy: int, pool: Any = None) -> np.ndarray:
    from bcsearch.views.making import make_view
    from bcsearch.views.view import Applied, View

    view = View((Applied("medium"),), copy, 4) if copy else View()
    return np.concatenate(list(make_view(images, view, pool)))


def test_view_without_operations_is_the_original_and_copies_differ(images: np.ndarray) -> None:
    views = [whole_view(images, copy) for copy in range(3)]
    np.testing.assert_array_equal(views[0], images)
    assert len({view.tobytes() for view in views}) == 3
    assert {view.shape for view in views} == {images.shape}


def test_bytes_do_not_depend_on_the_number_of_processes(images: np.ndarray) -> None:
    from bcsearch.pool import process_pool
    from bcsearch.views.making import begin_views

    with process_pool(2, begin_views) as pool:
        parallel = whole_view(images, 1, pool)
    np.testing.assert_array_equal(parallel, whole_view(images, 1))


def test_a_view_is_finished_here_when_its_processes_die(images: np.ndarray) -> None:
    class DyingPool(ThreadPoolExecutor):
        def map(self, *arguments: Any, **options: Any) -> Iterator[Any]:
            yield next(iter(super().map(*arguments, **options)))
            raise BrokenProcessPool

    with DyingPool(1) as pool:
        np.testing.assert_array_equal(whole_view(images, 1, pool), whole_view(images, 1))
