"""Volumes and data set folders: the only layer that touches imaging file formats."""
