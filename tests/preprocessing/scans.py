"""Small data sets on disk for the tests of augmented copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medaug.io.volume import write_volume

SHAPE = (12, 14, 10)
#: Spacing 1, 1 and 2 mm, off centre.
AFFINE = np.array([[1.0, 0, 0, 5], [0, 1, 0, -7], [0, 0, 2, 3], [0, 0, 0, 1]])

#: Draws from every kind of transform: a warp, a container, one of MONAI's, and intensities.
POLICY = """
- _target_: medaug.transforms.RandSpatiald
  keys: [image, label]
  spatial_size: "@spatial_size"
  rotate_degrees: 20
  scale: 0.2
  mode: [linear, vote]
- _target_: medaug.policy.RandAugmentd
  keys: image
  label_keys: label
  space: [blur, contrast, translate]
- {_target_: monai.transforms.RandFlipd, keys: [image, label], prob: 0.5, spatial_axis: 0}
- {_target_: medaug.transforms.RandGaussianNoised, keys: image, std: 0.1}
"""


def write_dataset(root: Path, names=("a", "b", "c")) -> Path:
    """Write cases of z-scores with two classes, in the layout of two folders."""
    for name in names:
        rng = np.random.default_rng(ord(name))
        image = rng.normal(size=(1, *SHAPE)).astype(np.float32)
        label = np.zeros((1, *SHAPE), np.uint8)
        label[:, 3:8, 4:9, 2:8] = 1
        label[:, 5:7, 5:8, 4:6] = 2
        label[:, ord(name) % 3] = 2
        for folder, data in (("images", image), ("labels", label)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            write_volume(root / folder / f"{name}.nii.gz", data, AFFINE)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Return all files of a folder by their names."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
