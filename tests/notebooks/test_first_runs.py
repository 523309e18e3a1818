"""Some of the notebooks run, see `notebook_runs.FIRST`."""

from __future__ import annotations

import pytest
from notebook_runs import FIRST, check_run


@pytest.mark.parametrize("name", FIRST)
def test_it_runs_without_warnings_and_gives_the_outputs_that_are_kept(name: str):
    check_run(name)
