from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "create",
    "worker",
    "session",
    "interrupts",
    "processes",
    "samplers",
    "clock",
    "places",
    "supervisor",
]
HEAVY = ["tensorflow", "keras", "keras_cv", "sklearn", "plotly"]


@pytest.mark.slow
def test_working_on_a_study_loads_no_framework() -> None:
    imports = "; ".join(f"import bcsearch.study.{module}" for module in LIGHT)
    imports += "; import bcsearch.doctor.machine"  # of the doctor, which is to answer at once
    code = f"import sys; {imports}; print(*(set({HEAVY}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("", "")
