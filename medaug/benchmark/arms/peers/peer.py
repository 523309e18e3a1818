"""What the arms of all other libraries have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable

from medaug.benchmark.arms.peers.global_state import seeded_globals
from medaug.geometry import affine_spacing
from medaug.rng import SEED_BOUND
from medaug.transforms.tensors import affine_of

Size: TypeAlias = tuple[int, int, int]
#: A transform as plain data: its class as ``_target_``, and its arguments.
Entry: TypeAlias = dict[str, Any]
#: Any callable that a library takes for a transform.
Step: TypeAlias = Callable[..., Any]


class Region(NamedTuple):
    """The region that a patch is cut from.

    Attributes
    ----------
    shape : tuple of 3 int
        Its voxels along each axis.
    spacing_mm : tuple of 3 float
        Their size.
    """

    shape: Size
    spacing_mm: tuple[float, float, float]


class PeerTransform(Randomizable, MapTransform):
    """Another library's augmentation as a dictionary transform of MONAI.

    It takes the region around a patch and returns the patch, cut about the region's centre, as the
    policies of medaug do. All that it draws comes from one integer out of ``R``: the global
    generators that some libraries draw from are seeded for the call and then given back. The result
    therefore depends on the seed alone.

    Parameters
    ----------
    patch_size : tuple of 3 int
        Voxels of a patch.
    """

    #: The name of the library as its package is called.
    library: ClassVar[str]
    #: Said above the steps in the text of the arm.
    remark: ClassVar[str]

    def __init__(self, patch_size: Size) -> None:
        MapTransform.__init__(self, ("image", "label"))
        self.patch_size = patch_size
        self._built: dict[Region, list[Step]] = {}
        import_module(self.library)  # so that it is missed now, and not by the first sample

    @abstractmethod
    def steps(self, region: Region) -> list[Entry]:
        """Return the library's transforms for a region, as plain data."""

    @abstractmethod
    def run(
        self, pipeline: list[Step], image: torch.Tensor, label: torch.Tensor, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Apply the transforms.

        Parameters
        ----------
        pipeline : list of callables
            What `steps` describes.
        image : MetaTensor [C, I, J, K], float32
        label : MetaTensor [1, I, J, K], uint8
            They must stay as they are.
        seed : int
            For libraries with generators of their own; the global ones are seeded already.

        Returns
        -------
        image, label : tensors of the patch size
            The label's values may have any dtype.
        """

    def randomize(self, data: Any = None) -> int:  # noqa: ARG002  # MONAI's signature
        """Draw one integer from ``R``."""
        return int(self.R.randint(SEED_BOUND, dtype=np.uint32))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``image`` float32 [C, *patch_size] and ``label`` uint8 [1, *patch_size]."""
        d = dict(data)
        image, label = d["image"], d["label"]
        pipeline = self.pipeline(_region_of(image))
        seed = self.randomize()
        with seeded_globals(seed):
            image, label = self.run(pipeline, image, label, seed)
        d["image"] = plain(image).to(torch.float32)
        d["label"] = plain(label).to(torch.uint8)
        return d

    def pipeline(self, region: Region) -> list[Step]:
        """Return the transforms for a region, built once."""
        if region not in self._built:
            parser = ConfigParser({"steps": self.steps(region)})
            self._built[region] = parser.get_parsed_content("steps")
        return self._built[region]

    @property
    def text(self) -> str:
        """Library, version and arguments as YAML, for a region of the size of a patch at 1 mm."""
        content = {
            "library": self.library,
            "version": version(self.library),
            "remark": self.remark,
            "steps": self.steps(Region(self.patch_size, (1.0, 1.0, 1.0))),
        }
        return yaml.dump(content, Dumper=_WithoutAliases, default_flow_style=None, sort_keys=False)


class _WithoutAliases(yaml.SafeDumper):
    """Writes a list that occurs twice twice: people read it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # yaml's signature
        """Return that nothing is written as an alias."""
        return True


def _region_of(image: torch.Tensor) -> Region:
    i, j, k = image.shape[1:]
    x, y, z = affine_spacing(affine_of(image, "image")).round(6).tolist()
    return Region((i, j, k), (x, y, z))


def plain(values: torch.Tensor) -> torch.Tensor:
    """Return a tensor without MONAI's metadata; its voxels are shared."""
    without: torch.Tensor = values.as_tensor() if isinstance(values, MetaTensor) else values
    return without
