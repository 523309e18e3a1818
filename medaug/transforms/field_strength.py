"""The intensity transform that emulates another MR field strength."""

from __future__ import annotations

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import FieldStrength
from medaug.ranges import RangeLike, parse_amounts
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandFieldStrengthd(RandIntensityDictTransform):
    """Emulate another MR field strength; see :class:`medaug.intensity.FieldStrength`.

    Contrast, inhomogeneity and noise change by formulas that its documentation gives, with their
    sources. It is for T1-weighted scans; ``tr_ms=None`` leaves the contrast of others as it is.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    from_tesla : float
        Field strength of the scans.
    to_tesla : float or pair
        The ones to emulate; a number means itself.
    noise_std : float
        Standard deviation of the noise that the scans have, as a share of their signal.
    snr_exponent : float
        The ratio of signal to noise grows as the field to this power: 1 to 1.65.
    inhomogeneity_per_tesla : float or pair
        By how much the logarithm of the brightness varies over the image for each tesla more; a
        number means itself.
    tr_ms : float, optional
        Repetition time of the spoiled gradient echo that stands for the sequence.
    flip_degrees : float
        Its flip angle; 90 is saturation recovery.
    zero_is_low : bool
        The smallest value of the channel stands for no signal, as in raw images and after a
        z-score, instead of 0.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        from_tesla: float = 3.0,
        to_tesla: RangeLike = (1.0, 3.0),
        noise_std: float = 0.02,
        snr_exponent: float = 1.0,
        inhomogeneity_per_tesla: RangeLike = (0.0, 0.12),
        tr_ms: float | None = 500.0,
        flip_degrees: float = 90.0,
        zero_is_low: bool = True,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = FieldStrength(
            parse_amounts("to_tesla", to_tesla),
            float(from_tesla),
            noise_std,
            snr_exponent,
            parse_amounts("inhomogeneity_per_tesla", inhomogeneity_per_tesla),
            tr_ms,
            flip_degrees,
            zero_is_low,
        )
        super().__init__(keys, prob, effect, options)


RandFieldStrengthD = RandFieldStrengthDict = RandFieldStrengthd
