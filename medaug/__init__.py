"""Joint augmentation of 3D medical volumes and their label masks, and the evidence that it helped."""

__version__ = "0.1.0"
