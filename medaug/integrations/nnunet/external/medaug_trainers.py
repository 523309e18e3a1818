"""What nnU-Net finds; the trainer itself lives where worker processes can import it as well."""

from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug

__all__ = ["nnUNetTrainerMedaug"]
