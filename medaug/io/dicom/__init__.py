"""DICOM: series of slices and multi-frame images as volumes, and segmentations as labels."""
