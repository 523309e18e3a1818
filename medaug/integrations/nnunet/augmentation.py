"""A policy as one transform of batchgeneratorsv2, the library that nnU-Net augments with."""

from __future__ import annotations

from typing import Any

import numpy as np
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform

from medaug import __version__
from medaug.rng import SEED_BOUND, generator
from medaug.transforms import FusedIntensity, RandSpatiald


class PolicyTransform(BasicTransform):
    """Augment what nnU-Net's data loader cuts out, by transforms of medaug.

    It draws one integer from NumPy's global state, and everything else from that integer. That is
    the state that nnU-Net's workers seed, each with entropy of its own; torch's is the same in
    all workers that are forked.

    Parameters
    ----------
    spatial : RandSpatiald
    intensity : FusedIntensity
        On the keys ``image`` and ``label``.
    """

    def __init__(self, spatial: RandSpatiald, intensity: FusedIntensity) -> None:
        super().__init__()
        self.spatial = spatial
        self.intensity = intensity

    def get_parameters(self, **data_dict: Any) -> dict[str, int]:  # noqa: ARG002  # the base's signature
        """Draw ``seed``, on which the sample depends."""
        seed = np.random.randint(SEED_BOUND, dtype=np.uint32)  # noqa: NPY002  # what nnU-Net seeds
        return {"seed": int(seed)}

    def apply(self, data_dict: dict[str, Any], *, seed: int) -> dict[str, Any]:
        """Return the sample with its patch augmented.

        Parameters
        ----------
        data_dict : dict
            ``image``, float32 [C, (I,) J, K], and ``segmentation``, int16 [S, (I,) J, K].
        seed : int

        Raises
        ------
        ValueError
            If there is more in the sample, which would have to move along.
        """
        if data_dict.keys() != {"image", "segmentation"}:
            raise ValueError(
                "medaug's trainer moves 'image' and 'segmentation' alone; "
                f"the sample has {sorted(data_dict)}"
            )
        sample: Any = {"image": data_dict["image"], "label": data_dict["segmentation"]}
        rng = generator(seed)
        for transform in (self.spatial, self.intensity):
            sample = transform.apply(sample, transform.sample(sample, rng))
        return {"image": sample["image"], "segmentation": sample["label"]}

    def __repr__(self) -> str:
        """Say what nnU-Net keeps with a training in ``debug.json``."""
        effects = [*self.spatial.steps, *self.intensity.changes]
        return f"{type(self).__name__}( medaug = {__version__}, effects = {effects} )"
