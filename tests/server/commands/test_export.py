"""`evals-mcp export`: results in a file, or one line and an exit code that say why not."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from evals_mcp.cli import main
from tests.server.commands.home import variables_of
from tests.server.serving import own_provider, served, settings

RULE = {"model": "rule/contains", "system_template": "{{expected}}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with an ended evaluation of the local engine, and its id."""
    folder = tmp_path_factory.mktemp("home")
    return folder, anyio.run(_judged, folder)


async def _judged(folder: Path) -> str:
    configured = settings(folder, local={"data_dir": folder / "engine"})
    rows = [{"id": n, "answer": f"{n % 2}", "expected": "1"} for n in range(4)]
    async with own_provider(configured) as provider, served(provider, configured=configured) as has:
        stored = await has.answer("upload_dataset", rows=rows, columns=["answer", "expected"])
        made = await has.answer(
            "create_evaluation",
            type="classify",
            labels=["good", "bad"],
            pass_labels=["good"],
            response_column="answer",
            judge=RULE,
            input_data_file_path=stored["file_id"],
        )
        wait = {"evaluation_id": made["evaluation_id"], "wait_seconds": 45}
        while not (await has.answer("get_status", **wait))["finished"]:
            continue
    return made["evaluation_id"]


@pytest.fixture(autouse=True)
def environment(home: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = home
    for name, value in variables_of(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)


def test_results_are_written_to_the_export_folder_and_the_answer_names_the_file(
    home: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, evaluation = home
    assert main(["export", evaluation, "--format", "jsonl"]) == 0
    path = folder / "exports" / f"{evaluation}.jsonl"
    told = capsys.readouterr()
    assert (str(path) in told.out, told.err) == (True, "")
    assert [json.loads(line)["label"] for line in path.read_text().splitlines()] == [
        *("bad", "good", "bad", "good"),
    ]
    manifest = json.loads(path.with_name(f"{path.name}.manifest.json").read_text())
    assert manifest["cost"]["usd"] == 0
    assert manifest["digests"]["judge"].startswith("judge1-")


def test_a_chosen_file_is_written_once_and_never_overwritten(
    home: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, evaluation = home
    output = tmp_path / "mine.csv"
    assert main(["export", evaluation, "--output", str(output)]) == 0
    before = output.read_bytes()
    assert main(["export", evaluation, "--output", str(output)]) == 1
    assert output.read_bytes() == before
    assert f"evals-mcp: {output} exists, and no file is overwritten" in capsys.readouterr().err
    manifest_in_the_way = tmp_path / "other.csv.manifest.json"
    manifest_in_the_way.touch()
    assert main(["export", evaluation, "--output", str(tmp_path / "other.csv")]) == 1
    assert not (tmp_path / "other.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("eval-none",), 1, "ids. In a terminal: `evals-mcp view`."),
        (("file-1",), 1, "is the id of a data set"),
        (("", ""), 2, "unrecognized arguments"),
        (("ID", "--output", "none/mine.csv"), 2, "cannot be written (No such file or directory)"),
        (("ID", "--output", "."), 1, "exists, and no file is overwritten"),
    ],
)
def test_what_is_impossible_is_one_line_and_an_exit_code(
    home: tuple[Path, str],
    arguments: tuple[str, ...],
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [home[1] if argument == "ID" else argument for argument in arguments]
    try:
        done = main(["export", *filled])
    except SystemExit as ended:  # argparse
        done = ended.code
    told = capsys.readouterr()
    assert (done, told.out) == (code, "")
    assert sentence in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("evaluation", "sentence"),
    [("eval-none", "ids. In a terminal: `evals-mcp view`."), ("file-1", "is the id of a data set")],
)
@pytest.mark.usefixtures("home")
def test_a_viewer_of_nothing_is_refused_before_it_prints_an_address(
    evaluation: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["view", evaluation])

    told = capsys.readouterr()
    assert (code, told.out, sentence in told.err) == (1, "", True), told.err
