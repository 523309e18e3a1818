"""The folder for nnU-Net's ``nnUNet_extTrainer``: nnU-Net imports every module in it."""
