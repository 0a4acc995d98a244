"""`evals-mcp report`: a page in a file, or one line and an exit code that say why not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals_mcp.cli import main
from tests.server.commands.home import variables_of
from tests.server.commands.test_export import RULE
from tests.server.serving import own_provider, served, settings

COLUMN = "topic,\u202e<b>"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A data folder with two ended evaluations of clustered rows, and their ids."""
    folder = tmp_path_factory.mktemp("home")
    return folder, anyio.run(_judged, folder)


async def _judged(folder: Path) -> list[str]:
    configured = settings(folder, local={"data_dir": folder / "engine"})
    # All rows of a topic have the same verdict, so forty rows say little more than ten.
    rows = [{"n": n, COLUMN: f"t{n // 4}", "one": f"{n // 4 % 2}", "two": "1"} for n in range(40)]
    ids: list[str] = []
    async with own_provider(configured) as provider, served(provider, configured=configured) as has:
        stored = await has.answer("upload_dataset", rows=rows)
        for column in ("one", "two"):
            made = await has.answer(
                "create_evaluation",
                type="classify",
                labels=["good", "bad"],
                pass_labels=["good"],
                response_column=column,
                judge=RULE | {"system_template": "1"},
                input_data_file_path=stored["file_id"],
            )
            ids.append(made["evaluation_id"])
            wait = {"evaluation_id": ids[-1], "wait_seconds": 45}
            while not (await has.answer("get_status", **wait))["finished"]:
                continue
    return ids


@pytest.fixture(autouse=True)
def environment(home: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = home
    for name, value in variables_of(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)


def data_in(path: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("compared", [False, True])
def test_intervals_of_a_report_are_wider_where_rows_belong_together(
    home: tuple[Path, list[str]], tmp_path: Path, compared: bool
) -> None:
    ids = home[1] if compared else home[1][:1]
    widths: list[float] = []
    for name, more in (("plain.html", ()), ("clustered.html", ("--cluster-column", COLUMN))):
        path = tmp_path / name
        assert main(["report", *ids, *more, "--output", str(path)]) == 0
        data = data_in(path)
        answer = data["comparison" if compared else "evaluation"]["answer"]
        shown = answer["passes"] if compared else answer["summary"]["pass_rate"]
        widths.append(shown["interval"]["high"] - shown["interval"]["low"])
        headline = answer["headline"] if compared else answer["summary"]["headline"]
        assert ("10 values of 'topic,< b>'" in headline) == bool(more)
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize(
    "wrong",
    [
        (("--cluster-column", "tpic"), "has a column 'tpic'. Did you mean 'topic,< b>'?"),
        (("--by", "n", "--cluster-column", "n"), "exclude each other"),
    ],
)
@pytest.mark.parametrize("compared", [False, True])
def test_a_column_that_cannot_be_used_is_one_line_and_leaves_no_file(
    home: tuple[Path, list[str]],
    tmp_path: Path,
    wrong: tuple[tuple[str, ...], str],
    compared: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = home[1] if compared else home[1][:1]
    options, sentence = wrong
    path = tmp_path / "report.html"
    assert main(["report", *ids, *options, "--output", str(path)]) == 1
    told = capsys.readouterr()
    assert sentence in told.err
    assert (told.out, "Traceback" in told.err, path.exists()) == ("", False, False)
    assert main(["report", *ids, options[0], "", "--output", str(path)]) == 2
    assert "need the name of a column" in capsys.readouterr().err
