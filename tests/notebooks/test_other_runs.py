"""The rest of the notebooks run, see `notebook_runs.OTHERS`."""

from __future__ import annotations

import pytest
from notebook_runs import OTHERS, check_run


@pytest.mark.parametrize("name", OTHERS)
def test_it_runs_without_warnings_and_gives_the_outputs_that_are_kept(name: str):
    check_run(name)
