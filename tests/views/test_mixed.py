from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def images(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (n, 16, 16, 3), np.uint8)


def test_each_image_is_changed_by_the_family_that_is_told() -> None:
    """Images are told apart from what their own corruption alone makes of them."""
    from bcsearch.views.making import make_view
    from bcsearch.views.mixed import FAMILIES, families_of, mixed_shift
    from bcsearch.views.view import View

    n = 600
    flat = np.full((n, 16, 16, 3), 120, np.uint8)  # of one colour, as zoom and blur leave it
    shift = mixed_shift(1)
    changed = np.concatenate(list(make_view(flat, View(shift))))
    families = families_of(shift, np.arange(n))
    counts = np.bincount(families, minlength=len(FAMILIES))
    assert counts.min() >= 0.8 * n / len(FAMILIES)
    spread = changed.reshape(n, -1, 3).std(axis=1).mean(axis=1)
    same = (changed == 120).all(axis=(1, 2, 3))
    for family in ("zoom", "blur"):
        assert same[families == FAMILIES.index(family)].all()
    for family in ("noise", "shade"):
        assert (spread[families == FAMILIES.index(family)] > 1).all()
    assert (spread[families == FAMILIES.index("white balance")] < 0.01).all()
    assert not same[families == FAMILIES.index("white balance")].any()


def test_two_draws_differ_and_the_same_draw_is_the_same_in_parts_and_whole() -> None:
    from bcsearch.views.making import make_view
    from bcsearch.views.mixed import families_of, mixed_shift
    from bcsearch.views.view import View

    first, second = (families_of(mixed_shift(number), np.arange(300)) for number in (1, 2))
    assert 0 < (first == second).mean() < 0.3
    np.testing.assert_array_equal(families_of(mixed_shift(1), np.array([7, 299])), first[[7, 299]])
    given = images(300)
    whole = np.concatenate(list(make_view(given, View(mixed_shift(1)))))
    part = np.concatenate(list(make_view(given[:100], View(mixed_shift(1)))))
    np.testing.assert_array_equal(whole[:100], part)


def test_what_is_no_mixed_shift_has_no_families() -> None:
    from bcsearch.views.mixed import families_of
    from bcsearch.views.view import Applied

    with pytest.raises(ValueError, match="is no mixed shift"):
        families_of((Applied("jpeg"),), np.arange(3))
