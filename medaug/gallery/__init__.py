"""A gallery: one slice of a scan under every operation that policies choose from."""

from medaug.gallery.make import Gallery, make_gallery
from medaug.gallery.subject import Subject, load_subject, phantom_subject

__all__ = ["Gallery", "Subject", "load_subject", "make_gallery", "phantom_subject"]
