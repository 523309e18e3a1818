"""The policy ``nnunet`` for the patch that nnU-Net has planned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import yaml

from medaug.integrations.nnunet.in_plane import intensity_in_plane, spatial_in_plane
from medaug.policy import build_policy, parse_policy, policy_path, read_policy
from medaug.transforms import FusedIntensity, RandSpatiald

#: What nnU-Net marks voxels with that are not part of a case, or have been cut off.
OUTSIDE = -1


def patch_policy(
    patch_size: Sequence[int],
    rotation: tuple[float, float],
    mirror_axes: Sequence[int] | None,
    *,
    in_plane: bool,
) -> tuple[RandSpatiald, FusedIntensity]:
    """Return the transforms of the policy ``nnunet`` with what nnU-Net derives from its plan.

    Parameters
    ----------
    patch_size : sequence of 2 or 3 ints
        What is cut from the centre of the larger crop.
    rotation : pair of floats
        Range of the angles in radians.
    mirror_axes : sequence of ints or None
        Array axes that may be mirrored.
    in_plane : bool
        Turn, scale and coarsen in the planes across the first axis alone: nnU-Net's "dummy 2D"
        augmentation of anisotropic patches.

    Returns
    -------
    RandSpatiald, FusedIntensity
        On the keys ``image`` and ``label``; ``label`` is -1 outside the crop.
    """
    path = policy_path("nnunet")
    spatial_entry, intensity_entry = parse_policy(read_policy(path), str(path))
    allowed = () if mirror_axes is None else mirror_axes
    spatial_entry |= {
        "rotate_degrees": np.rad2deg(rotation).tolist(),
        "flip_prob": [spatial_entry["flip_prob"] * (axis in allowed) for axis in range(3)],
        "padding_value": [0, OUTSIDE],
    }
    text = yaml.safe_dump([spatial_entry, *intensity_entry["transforms"]])
    spatial, *parts = build_policy(text, str(path), spatial_size=patch_size).transforms
    if in_plane:
        spatial.steps = spatial_in_plane(spatial.steps)
        for part in parts:
            part.changes = intensity_in_plane(part.changes)
    return spatial, FusedIntensity(parts)
