"""MONAI's intensity transforms that send each voxel through a curve."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection
from monai.utils import ensure_tuple, ensure_tuple_rep
from monai.utils.enums import PostFix
from monai.utils.type_conversion import safe_dtype_range

from medaug.compat.monai.changing import FloatResult, MonaiIntensityTransform
from medaug.compat.monai.effects import RelativeScale
from medaug.compat.monai.ranges import sorted_range, symmetric_range
from medaug.intensity import Gamma, HistogramShift, IntensityShift
from medaug.ranges import FULL, Strength
from medaug.transforms.base import Record

_LEAST_GAMMA = 0.5  # where ``gamma`` is a number


class RandAdjustContrastd(FloatResult):
    """Bend the intensity curve by a random exponent, as MONAI's ``RandAdjustContrastd``.

    The extremes are those of all channels together, and all keys get the same exponent. See
    :class:`medaug.intensity.Gamma`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    gamma : float or pair
        Range of the exponent, above 0; a number ``g`` means 0.5 to ``g``.
    invert_image : bool
        Bend the curve from the bright end.
    retain_stats : bool
        Restore mean and standard deviation of all channels together afterwards.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        gamma: tuple[float, float] | float = (0.5, 4.5),
        invert_image: bool = False,
        retain_stats: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        if isinstance(gamma, Real):
            if gamma <= _LEAST_GAMMA:
                raise ValueError(
                    f"gamma as a number must be above {_LEAST_GAMMA}, where its range begins; "
                    f"got {gamma}"
                )
            gamma = (_LEAST_GAMMA, gamma)
        effect = Gamma(sorted_range("gamma", gamma), "uniform", float(invert_image), retain_stats)
        super().__init__(keys, prob, effect, allow_missing_keys, whole_image=True)


class RandScaleIntensityd(MonaiIntensityTransform):
    """Multiply by ``1 + factor``, the same for all keys, as MONAI's ``RandScaleIntensityd``.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    factors : float or pair
        Range of the factor; a number ``f`` means ``-f`` to ``f``.
    channel_wise : bool
        Draw a factor for each channel; they are those of the first key for all keys.
    dtype : dtype, optional
        Of the result; ``None`` for that of the image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        factors: tuple[float, float] | float,
        prob: float = 0.1,
        channel_wise: bool = False,
        dtype: DtypeLike | torch.dtype = np.float32,
        allow_missing_keys: bool = False,
    ) -> None:
        effect = RelativeScale(symmetric_range("factors", factors))
        super().__init__(
            keys,
            prob,
            effect,
            allow_missing_keys,
            dtype=dtype,
            channel_wise=channel_wise,
            whole_image=not channel_wise,
        )


class RandShiftIntensityd(MonaiIntensityTransform):
    """Add an offset, the same for all keys, as MONAI's ``RandShiftIntensityd``.

    An image keeps its dtype.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    offsets : float or pair
        Range of the offset; a number ``s`` means ``-s`` to ``s``.
    safe : bool
        Cut what the dtype of the image cannot hold to its ends, instead of letting it wrap around.
    factor_key : str or sequence of str, optional
        Of each key, where in its metadata dictionary there is a number that the offset is
        multiplied by.
    meta_keys : str or sequence of str, optional
        Of each key, under which key the sample has its metadata dictionary.
    meta_key_postfix : str or sequence of str
        Without ``meta_keys``: that is ``{key}_{postfix}``.
    channel_wise : bool
        Draw an offset for each channel; they are those of the first key for all keys.
    """

    def __init__(
        self,
        keys: KeysCollection,
        offsets: tuple[float, float] | float,
        safe: bool = False,
        factor_key: str | None = None,
        meta_keys: KeysCollection | None = None,
        meta_key_postfix: str = PostFix.meta(),
        prob: float = 0.1,
        channel_wise: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        effect = IntensityShift(symmetric_range("offsets", offsets), "absolute")
        super().__init__(
            keys,
            prob,
            effect,
            allow_missing_keys,
            channel_wise=channel_wise,
            whole_image=not channel_wise,
        )
        count = len(self.keys)
        self.safe = safe
        self.factor_key = ensure_tuple_rep(factor_key, count)
        self.meta_keys = (None,) * count if meta_keys is None else ensure_tuple(meta_keys)
        self.meta_key_postfix = ensure_tuple_rep(meta_key_postfix, count)
        if len(self.meta_keys) != count:
            raise ValueError(f"meta_keys must be as many as keys, {count}; got {meta_keys!r}")

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return the record; its offsets are multiplied by the factors of their images."""
        record = super().sample(data, rng, strength)
        named = (self.factor_key, self.meta_keys, self.meta_key_postfix)
        for key, factor_key, meta_key, postfix in self.key_iterator(dict(data), *named):
            factor = data.get(meta_key or f"{key}_{postfix}", {}).get(factor_key)
            if factor is not None:
                (drawn,) = record["parameters"][key]
                drawn = [{"offset": each["offset"] * float(factor)} for each in drawn]
                record["parameters"][key] = [drawn]
        return record

    def finished(self, voxels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return float32 voxels as ``dtype``, cut to its range if they are to be safe."""
        cut: torch.Tensor = safe_dtype_range(voxels, dtype) if self.safe else voxels
        return super().finished(cut, dtype)


class RandHistogramShiftd(MonaiIntensityTransform):
    """Move control points of the intensities, as MONAI's ``RandHistogramShiftd``.

    The range is that of all channels together, all keys get the same curve, and each keeps its
    dtype. See :class:`medaug.intensity.HistogramShift`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    num_control_points : int or pair
        How many, from 3 on; a pair is a range to draw from.
    """

    def __init__(
        self,
        keys: KeysCollection,
        num_control_points: tuple[int, int] | int = 10,
        prob: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        if isinstance(num_control_points, Real):
            num_control_points = (num_control_points, num_control_points)
        effect = HistogramShift(sorted_range("num_control_points", num_control_points))
        super().__init__(keys, prob, effect, allow_missing_keys, whole_image=True)


RandAdjustContrastD = RandAdjustContrastDict = RandAdjustContrastd
RandScaleIntensityD = RandScaleIntensityDict = RandScaleIntensityd
RandShiftIntensityD = RandShiftIntensityDict = RandShiftIntensityd
RandHistogramShiftD = RandHistogramShiftDict = RandHistogramShiftd
