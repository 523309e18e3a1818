"""Augment 3D medical volumes and their label masks jointly, and show whether it helped."""

__version__ = "0.1.0"
