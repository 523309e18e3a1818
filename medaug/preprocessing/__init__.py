"""Folders of scans: looked over, preprocessed, restored, and augmented copies of them written."""
