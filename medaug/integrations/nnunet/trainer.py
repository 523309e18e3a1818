"""nnU-Net's trainer with medaug's augmentation."""

from __future__ import annotations

from collections.abc import Sequence

from medaug.extras import optional_import

with optional_import("nnunet", "medaug's trainer for nnU-Net"):
    from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.nnunet_masking import MaskImageTransform
    from batchgeneratorsv2.transforms.utils.remove_label import RemoveLabelTansform
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from medaug.integrations.nnunet.augmentation import PolicyTransform
from medaug.integrations.nnunet.policy import patch_policy


class nnUNetTrainerMedaug(nnUNetTrainer):  # noqa: N801  # nnU-Net's way to name trainers
    """nnU-Net's default trainer, augmenting by medaug's policy ``nnunet``.

    Everything else is nnU-Net's own: the size of the crop and the patch, ranges of rotation, axes
    of mirrors, and what follows the augmentation. So it combines with nnU-Net's other trainers::

        class nnUNetTrainerMedaug_250epochs(nnUNetTrainerMedaug, nnUNetTrainer_250epochs):
            pass
    """

    @staticmethod
    def get_training_transforms(  # noqa: PLR0917  # nnU-Net's signature
        patch_size: Sequence[int],
        rotation_for_DA: tuple[float, float],  # noqa: N803  # nnU-Net's name
        deep_supervision_scales: Sequence[Sequence[float]] | None,
        mirror_axes: Sequence[int] | None,
        do_dummy_2d_data_aug: bool,
        use_mask_for_norm: Sequence[bool] | None = None,
        is_cascaded: bool = False,
        foreground_labels: Sequence[int] | None = None,
        regions: Sequence[int | Sequence[int]] | None = None,
        ignore_label: int | None = None,
    ) -> BasicTransform:
        """Return medaug's augmentation, followed by what nnU-Net itself does to the patch then.

        Parameters
        ----------
        patch_size, rotation_for_DA, mirror_axes, do_dummy_2d_data_aug
            See :func:`medaug.integrations.nnunet.policy.patch_policy`.
        deep_supervision_scales, use_mask_for_norm, is_cascaded, foreground_labels, regions, ...
            As nnU-Net's own trainer takes them.
        """
        own = nnUNetTrainer.get_training_transforms(
            patch_size,
            rotation_for_DA,
            deep_supervision_scales,
            mirror_axes,
            do_dummy_2d_data_aug,
            use_mask_for_norm,
            is_cascaded,
            foreground_labels,
            regions,
            ignore_label,
        )
        augmentation = PolicyTransform(
            *patch_policy(patch_size, rotation_for_DA, mirror_axes, in_plane=do_dummy_2d_data_aug)
        )
        return ComposeTransforms([augmentation, *_after_augmentation(own.transforms)])


def _after_augmentation(transforms: Sequence[BasicTransform]) -> list[BasicTransform]:
    """Return nnU-Net's transforms from where it fits the targets to the network.

    That begins where it deals with the label -1, which marks what lies outside: it sets the image
    to zero there (where it was normalised within a mask), and then the label.
    """
    first = next(
        n
        for n, each in enumerate(transforms)
        if isinstance(each, MaskImageTransform | RemoveLabelTansform)
    )
    return list(transforms[first:])
