"""Files are written as a whole; links, devices and pipes stay what they are."""

import os
from pathlib import Path
from threading import Thread

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.base.files import write_file


def test_a_file_in_a_new_folder_and_one_that_exists(tmp_path):
    file = tmp_path / "new" / "a.txt"
    for text in ("one", "two"):
        write_file(file, text, code="FD991")
        assert file.read_text() == text
    assert [*file.parent.iterdir()] == [file]


def test_what_a_link_leads_to_is_written(tmp_path):
    target, link = tmp_path / "there.txt", tmp_path / "link.txt"
    link.symlink_to(target)
    for text in ("one", "two"):  # first it leads nowhere
        write_file(link, text, code="FD991")
        assert link.is_symlink()
        assert target.read_text() == text


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path):
    pipe, received = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    write_file(pipe, "content", code="FD991")
    reader.join(10)
    assert received == ["content"]
    assert pipe.is_fifo()


def test_a_device_that_is_full_stays_a_device(tmp_path):
    device = tmp_path / "full"
    try:
        os.mknod(device, 0o600 | 0o020000, os.makedev(1, 7))
        device.write_bytes(b"")
    except OSError:
        pytest.skip("devices can be made by root only")
    with pytest.raises(FlowError, match="No space left on device"):
        write_file(device, "content", code="FD991")
    assert device.is_char_device()


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(FlowError, match="cannot be written"):
        write_file(tmp_path / "folder", "content", code="FD991")
    assert [each.name for each in Path(tmp_path).iterdir()] == ["folder"]
