"""Exported files: private, never overwritten, with names and cells that do no harm."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import OperatorError
from evals_mcp.exchange.csv_cells import csv_cell
from evals_mcp.exchange.export_folder import ExportFolder, safe_name


def writer(content: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(content)

    return write


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path / "exports")
    paths = [folder.write("eval-1.csv", writer(b"%d" % number)) for number in range(3)]
    assert [path.name for path in paths] == ["eval-1.csv", "eval-1-2.csv", "eval-1-3.csv"]
    assert [path.read_bytes() for path in paths] == [b"0", b"1", b"2"]


def test_files_and_folder_are_this_users_alone(tmp_path: Path) -> None:
    path = ExportFolder(tmp_path / "exports").write("a.csv", writer(b""))
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / "a.csv").symlink_to(target)
    path = ExportFolder(tmp_path).write("a.csv", writer(b"new"))
    assert path.name == "a-2.csv"
    assert target.read_text() == "mine"


def test_a_file_that_cannot_be_finished_is_not_left(tmp_path: Path) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyError

    with pytest.raises(KeyError):
        ExportFolder(tmp_path).write("a.csv", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match=r"operator frees space, or sets export\.folder"):
        ExportFolder(tmp_path / "file" / "exports").write("a.csv", writer(b""))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("eval-1.csv", "eval-1.csv"),
        ("../../etc/passwd", "etc-passwd"),
        ("my results.jsonl", "my-results.jsonl"),
        ("together:eval-1.md", "together-eval-1.md"),
        ("CON.csv", "export-CON.csv"),
        (".hidden", "export.hidden"),
        ("…", "export"),
    ],
)
def test_a_name_is_one_that_every_system_takes(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=200))
def test_no_name_leaves_the_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe not in {"", ".", ".."}
    assert Path(safe).name == safe
    assert len(safe) <= 110


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1+1", "%0A=1"],
)
def test_a_text_that_begins_like_a_formula_is_escaped(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "plain"),
        ("-5", "-5"),
        ("+1.5e3", "+1.5e3"),
        (-5, "-5"),
        (None, ""),
        (True, "true"),
        (["=1", "é"], '["=1", "é"]'),
        ("a=1", "a=1"),
    ],
)
def test_other_values_stay_as_they_are(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


@given(st.text(max_size=30))
def test_no_cell_of_a_written_file_begins_a_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(text)])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline="")) if text else ([""],)
    cell = row[0] if row else ""
    if cell.lstrip()[:1] in {"=", "@"}:
        raise AssertionError(cell)


def test_a_manifest_lies_beside_its_file_and_neither_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv.manifest.json").write_text("of another file")
    path = ExportFolder(tmp_path).write("a.csv", writer(b"rows"), writer(b"{}"))
    assert path.name == "a-2.csv"
    assert (tmp_path / "a-2.csv.manifest.json").read_bytes() == b"{}"
    assert not (tmp_path / "a.csv").exists()


def test_without_its_manifest_no_file_is_left(tmp_path: Path) -> None:
    def fail(_: BinaryIO) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OperatorError, match="No space left"):
        ExportFolder(tmp_path).write("a.csv", writer(b"rows"), fail)
    assert list(tmp_path.iterdir()) == []
