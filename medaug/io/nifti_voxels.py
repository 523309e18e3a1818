"""The voxels of a NIfTI file, streamed: little memory beyond the result, no damage unnoticed."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import nibabel as nib
import numpy as np

from medaug.errors import InputError
from medaug.typing import AnyArray

ByteStream: TypeAlias = io.BufferedIOBase

_GZIP_MAGIC = b"\x1f\x8b"

# No deflated file is larger than this many times its size once it is inflated.
_LARGEST_INFLATION = 1040

# What is read and turned to array order at a time.
_SLAB_BYTES = 1 << 22


@contextmanager
def opened(path: Path) -> Iterator[ByteStream]:
    """Open a file, inflated if its content is compressed; translate what reading it raises."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GZIP_MAGIC))
            file.seek(0)
            if not magic:
                raise InputError(f"{path}: the file is empty; copy or export it again.")
            if magic == _GZIP_MAGIC:
                with gzip.GzipFile(fileobj=file) as inflated:
                    yield inflated
            else:
                yield file
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(
            f"{path}: the compressed file is truncated or damaged; copy or export it again."
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot read ({error.strerror or error}); check the file and its permissions."
        ) from None


def check_size(path: Path, header: nib.Nifti1Header, stream: ByteStream) -> None:
    """Refuse a size that the file cannot have before any memory is taken for it.

    Raises
    ------
    InputError
        If it differs from what the header states, or, compressed, can only be smaller.
    """
    size = path.stat().st_size
    expected = _stated_bytes(header)
    compressed = isinstance(stream, gzip.GzipFile)
    possible = expected <= _LARGEST_INFLATION * size if compressed else expected == size
    if not possible or min(header.get_data_shape()) < 1:
        raise _size_error(path, header, stream.tell() + _remaining(stream) if compressed else size)


def _stated_bytes(header: nib.Nifti1Header) -> int:
    voxels = math.prod(map(int, header.get_data_shape()))
    return int(header.get_data_offset()) + voxels * int(header.get_data_dtype().itemsize)


def _size_error(path: Path, header: nib.Nifti1Header, available_bytes: int) -> InputError:
    stated = " x ".join(map(str, header.get_data_shape()))
    return InputError(
        f"{path}: the header states {stated} voxels of {header.get_data_dtype()}, "
        f"{_stated_bytes(header)} bytes in all, but the file holds {available_bytes}; it is "
        "truncated or damaged, copy or export it again."
    )


def _remaining(stream: ByteStream) -> int:
    """Read to the end, where the checksum of a compressed file is checked; return the bytes."""
    return sum(len(block) for block in iter(lambda: stream.read(_SLAB_BYTES), b""))


def read_voxels(
    path: Path, header: nib.Nifti1Header, shape: tuple[int, int, int, int], stream: ByteStream
) -> AnyArray:
    """Return the voxels of a file, C-contiguous, in the dtype on disk or float32 if it scales them.

    The file has I as the fastest axis. It is read slab by slab, so that there is never a second
    copy of the voxels.

    Parameters
    ----------
    path : Path
    header : Nifti1Header
    shape : tuple of 4 int
        Voxels along I, J and K, and the number of channels.
    stream : binary stream
        The file, inflated.

    Returns
    -------
    ndarray, shape [C, I, J, K]

    Raises
    ------
    InputError
        If the file holds more or less than the header states.
    """
    i, j, k, channels = shape
    stored = header.get_data_dtype()
    slope, intercept = header.get_slope_inter()
    # NIfTI marks "not scaled" by a slope of 0 or NaN, which nibabel reports as None.
    scaled = slope not in (None, 1.0) or intercept not in (None, 0.0)
    data = np.empty((channels, i, j, k), np.float32 if scaled else stored.newbyteorder("="))
    plane_bytes = i * j * stored.itemsize
    planes = max(1, _SLAB_BYTES // plane_bytes)
    stream.seek(header.get_data_offset())
    for channel in data:
        for first in range(0, k, planes):
            target = channel[:, :, first : first + planes]
            content = stream.read(plane_bytes * target.shape[2])
            if len(content) < plane_bytes * target.shape[2]:
                raise _size_error(path, header, stream.tell())
            slab = np.frombuffer(content, stored).reshape(target.shape, order="F")
            target[...] = slab * slope + intercept if scaled else slab
    extra = _remaining(stream)
    if extra:
        raise _size_error(path, header, _stated_bytes(header) + extra)
    return data
