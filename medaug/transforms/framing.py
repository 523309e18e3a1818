"""Transforms that choose which part of a volume is seen, and in how many voxels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.resample import check_choice
from medaug.spatial import (
    CenterCrop,
    ForegroundCrop,
    RandomCrop,
    ResizeToSize,
    ResizeToSpacing,
    SizeLike,
    SpacingLike,
    SpatialEffect,
    Step,
    parse_size,
    parse_spacing_mm,
)
from medaug.transforms.options import WarpOptions, parse_class_ratios
from medaug.transforms.warping import RandWarpDictTransform, WarpDictTransform

CropMethod: TypeAlias = Literal["center", "random", "foreground"]


class RandCropd(RandWarpDictTransform):
    """Cut out a part of fixed size; an axis that is too short is padded about its centre.

    Parameters
    ----------
    keys, **options
        See :class:`medaug.transforms.RandSpatiald`. ``mode`` is ``nearest`` unless given: nothing
        is interpolated.
    spatial_size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    method : {"center", "random", "foreground"}
        Where: in the centre, anywhere inside, or about a random voxel of the label.
    class_ratios : mapping of int to float, optional
        For ``foreground``: how often each class is the one that the part is cut out about, relative
        to the others; classes that a sample does not show do not count. ``None``: every voxel that
        is not zero has the same chance. Without any such voxel the part lies anywhere. JSON writes
        the classes as texts, which are taken as well.
    label_key : str
        The key that holds the label.
    """

    def __init__(
        self,
        keys: KeysCollection,
        spatial_size: SizeLike | None,
        *,
        method: CropMethod = "random",
        class_ratios: Mapping[int, float] | None = None,
        label_key: str = "label",
        **options: Unpack[WarpOptions],
    ) -> None:
        check_choice("method", method, get_args(CropMethod))
        if class_ratios is not None and method != "foreground":
            raise ValueError(f"class_ratios need method='foreground'; got {method!r}")
        size = parse_size(spatial_size)
        effect: SpatialEffect
        if method == "center":
            effect = CenterCrop(size)
        elif method == "random":
            effect = RandomCrop(size)
        else:
            effect = ForegroundCrop(size, parse_class_ratios(class_ratios))
        super().__init__(
            keys,
            1.0,
            (Step(effect, always=True),),
            options,
            default_mode="nearest",
            label_key=label_key,
            needs_foreground=method == "foreground",
        )


class PadCropd(WarpDictTransform):
    """Cut out or pad to a fixed size about the centre, as MONAI's ``ResizeWithPadOrCropd`` does.

    Nothing is random, so a caching data set keeps the result.

    Parameters
    ----------
    keys, **options
        See :class:`medaug.transforms.RandSpatiald`. ``mode`` is ``nearest`` unless given: nothing
        is interpolated.
    spatial_size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    """

    def __init__(
        self, keys: KeysCollection, spatial_size: SizeLike | None, **options: Unpack[WarpOptions]
    ) -> None:
        steps = (Step(CenterCrop(parse_size(spatial_size))),)
        super().__init__(keys, steps, options, default_mode="nearest")


class Resampled(WarpDictTransform):
    """Show the same field of view in voxels of another spacing, or in another number of them.

    Nothing is random, so a caching data set keeps the result. Voxels are read where they are
    needed, and not averaged: smooth an image first before it is made much coarser.

    Parameters
    ----------
    keys, **options
        See :class:`medaug.transforms.RandSpatiald`.
    spacing_mm : float or sequence of floats, optional
        Voxel spacing along each array axis. The centre of the field of view stays where it is.
    spatial_size : int or sequence of ints, optional
        Voxels along each axis, edge to edge; -1 keeps them. One of the two must be given.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spacing_mm: SpacingLike | None = None,
        spatial_size: SizeLike | None = None,
        **options: Unpack[WarpOptions],
    ) -> None:
        effect: SpatialEffect
        if spacing_mm is not None and spatial_size is None:
            effect = ResizeToSpacing(parse_spacing_mm(spacing_mm))
        elif spatial_size is not None and spacing_mm is None:
            effect = ResizeToSize(parse_size(spatial_size))
        else:
            raise ValueError(
                "give either spacing_mm or spatial_size; "
                f"got spacing_mm={spacing_mm!r} and spatial_size={spatial_size!r}"
            )
        super().__init__(keys, (Step(effect),), options)


RandCropD = RandCropDict = RandCropd
PadCropD = PadCropDict = PadCropd
ResampleD = ResampleDict = Resampled
