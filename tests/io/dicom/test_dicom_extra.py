"""Without the packages of the extra, all but DICOM works."""

from __future__ import annotations

import subprocess
import sys

import pytest

from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.layouts import survey_dataset
from medaug.io.scan import read_scan


@pytest.mark.parametrize("package", ["pydicom", "highdicom"])
def test_what_is_missing_is_said(tmp_path, monkeypatch, package):
    file = tmp_path / "1.dcm"
    file.write_bytes(bytes(128) + b"DICM")
    monkeypatch.setitem(sys.modules, package, None)
    for call in (lambda: read_scan(ScanFiles(file)), lambda: survey_dataset(tmp_path)):
        with pytest.raises(InputError, match=r'pip install "medaug\[dicom\]"') as caught:
            call()
        assert str(tmp_path) in str(caught.value)


def test_nothing_else_needs_them():
    program = """
import sys
sys.modules["pydicom"] = sys.modules["highdicom"] = None
import medaug.cli.app, medaug.gallery.preview, medaug.preprocessing.preprocess, medaug.benchmark
"""
    subprocess.run([sys.executable, "-c", program], check=True)
