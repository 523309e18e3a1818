"""Cases made of an anatomy and a scanner, both drawn from the seed and the index of the case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from medaug import rng
from medaug.benchmark.cases.case_set import Case, CaseSet, fingerprint_of
from medaug.benchmark.cases.phantom.anatomy import CLASSES, draw_head
from medaug.benchmark.cases.phantom.scanner import SCANNERS, acquire
from medaug.benchmark.cases.phantom.space import Grid
from medaug.foreground import zscore_foreground

_Voxels = Annotated[int, Field(ge=16, le=256)]

# The smallest field of view that holds a head.
_FIELD_OF_VIEW_MM = 150.0

# Streams of a case, so that a change to the scanner leaves the anatomy as it was.
_ANATOMY, _ACQUISITION = 0, 1


class PhantomConfig(BaseModel):
    """Settings of the phantom.

    Attributes
    ----------
    cases : int
        Number of cases. Even indices come from scanner A, odd ones from scanner B.
    shape : tuple of 3 ints
        Voxels along I (left to right), J (back to front) and K (bottom to top).
    spacing_mm : float
        Edge of a voxel, in mm. A field of view below 150 mm cuts the head and is refused.
    seed : int
        A case depends on the seed and its index, not on the number of cases.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cases: int = Field(default=24, ge=2, le=1000)
    shape: tuple[_Voxels, _Voxels, _Voxels] = (56, 64, 56)
    spacing_mm: float = Field(default=3.0, ge=1.0, le=6.0)
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _head_fits(self) -> PhantomConfig:
        if min(self.shape) * self.spacing_mm < _FIELD_OF_VIEW_MM:
            raise ValueError(
                f"shape times spacing_mm must be at least {_FIELD_OF_VIEW_MM:g} mm along each axis"
            )
        return self


def make_phantom(config: PhantomConfig, *, on_case: Callable[[str], None] | None = None) -> CaseSet:
    """Generate the cases of the phantom.

    Parameters
    ----------
    config : PhantomConfig
        What to make.
    on_case : callable, optional
        Called with the name of each case once it is made.

    Returns
    -------
    CaseSet
        Two channels, T1-like and FLAIR-like, and two classes, oedema and core, that both occur in
        each case.
    """
    cases = []
    for index in range(config.cases):
        cases.append(_make_case(config, index))
        if on_case is not None:
            on_case(cases[-1].name)
    fingerprint = fingerprint_of(tuple(cases), CLASSES)
    return CaseSet("phantom", tuple(cases), CLASSES, (1, 2), fingerprint)


def _make_case(config: PhantomConfig, index: int) -> Case:
    grid = Grid(config.shape, config.spacing_mm)
    head = draw_head(rng.generator(config.seed, index, _ANATOMY), grid)
    scanner = SCANNERS[index % len(SCANNERS)]
    image = acquire(rng.generator(config.seed, index, _ACQUISITION), grid, head, scanner)
    return Case(
        name=f"phantom_{index:03d}",
        image=zscore_foreground(image),
        label=head.label[np.newaxis],
        spacing_mm=(config.spacing_mm,) * 3,
        patient=f"phantom_{index:03d}",
    )
