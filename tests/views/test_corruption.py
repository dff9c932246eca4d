from __future__ import annotations

import numpy as np
import pytest

from bcsearch.errors import ConfigError
from bcsearch.recipe import Params, check_value
from tests.views.made import drawn_cells, made, mean_change

pytestmark = pytest.mark.slow


def test_corruptions_change_more_at_each_severity_and_are_of_ten_mechanisms() -> None:
    from bcsearch.views.corruption import CORRUPTIONS

    cells = drawn_cells(16)
    for name in CORRUPTIONS:
        for seed in range(2):
            changes = [
                mean_change(cells, made(cells, name, seed, severity=each)) for each in range(1, 6)
            ]
            assert changes == sorted(set(changes)), (name, changes)
            assert changes[0] > 0.2, (name, changes)
    assert len({row.family for row in CORRUPTIONS.values()}) == 10


def test_jpeg_of_severity_3_has_the_quality_that_its_score_names() -> None:
    from io import BytesIO

    from PIL import Image

    from bcsearch.scores.table import SCORES

    cells, file = drawn_cells(1), BytesIO()
    Image.fromarray(cells[0]).save(file, "JPEG", quality=30)
    ((shift,),) = SCORES["accuracy@jpeg30"].shifts
    assert dict(shift.settings) == {"severity": 3.0}
    found = made(cells, shift.name, 0, severity=3.0)
    np.testing.assert_array_equal(found[0], np.asarray(Image.open(file)))


@pytest.mark.parametrize("severity", [0, 6, 2.5])
def test_severity_that_does_not_exist_is_refused(severity: float) -> None:
    with pytest.raises(ConfigError, match=f"severity: came {severity}, allowed: 1, 2, 3, 4 or 5"):
        made(drawn_cells(1), "noise", 0, severity=severity)


def test_corruptions_are_never_for_training() -> None:
    from bcsearch.views.chosen import Views
    from bcsearch.views.corruption import CORRUPTIONS
    from bcsearch.views.table import OPS

    corrupting = {name for name, row in OPS.items() if row.kind == "corrupt"}
    assert corrupting == {*CORRUPTIONS, "mixed"}
    views = Views(drawn_cells(1), seed=0)
    for name in corrupting:
        with pytest.raises(ConfigError, match=f"augment: unknown value '{name}'"):
            check_value("augment", name)
        for params in (Params(augment=name), Params(preprocess=name)):
            with pytest.raises(ConfigError, match=f"'{name}' is of kind corrupt"):
                views.training(params)
