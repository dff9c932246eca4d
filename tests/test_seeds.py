from __future__ import annotations

from itertools import product

import pytest

from bcsearch.seeds import derive_seed


@pytest.mark.parametrize(
    ("seed", "words", "expected"),
    [(0, (), 436422930), (0, ("kernel", 1), 678364107), (7, ("order", 4, 29), 878638498)],
)
def test_seed_is_the_same_on_every_machine(
    seed: int, words: tuple[str | int, ...], expected: int
) -> None:
    assert derive_seed(seed, *words) == expected


def test_every_word_and_the_seed_itself_count() -> None:
    seeds = {
        derive_seed(seed, word, number)
        for seed, word, number in product(range(10), ("a", "b"), range(10))
    }
    assert len(seeds) == 200


def test_words_do_not_run_together() -> None:
    assert derive_seed(1, "2", 3) != derive_seed(1, "23") != derive_seed(12, "3")


def test_seeds_are_those_that_numpy_and_tensorflow_take() -> None:
    assert all(0 <= derive_seed(seed) < 2**31 for seed in range(1000))
