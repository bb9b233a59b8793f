"""Small files that survive a power cut whole, and leave nothing half where they failed."""

import os
from pathlib import Path

import pytest

from cabinet import whole_file


def test_a_file_that_cannot_be_written_stays_as_it_was_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "head"
    whole_file.replace(file, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            whole_file.replace(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
    whole_file.replace(file, b"new")
    assert file.read_bytes() == b"new"
