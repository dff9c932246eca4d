from __future__ import annotations

import pytest

from bcsearch.records.sizes import time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 seconds"),
        (119, "119 seconds"),
        (120, "2.0 minutes"),
        (7199, "120.0 minutes"),
        (7200, "2.0 hours"),
        (15384, "4.3 hours"),
    ],
)
def test_time_is_told_in_the_unit_that_is_read_easily(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
