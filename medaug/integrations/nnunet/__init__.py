"""nnU-Net v2 with medaug's augmentation: a trainer that nnU-Net finds by its name.

``python -m medaug.integrations.nnunet`` prints the folder to name in ``nnUNet_extTrainer``.
"""
