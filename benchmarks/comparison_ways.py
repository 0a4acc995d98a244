"""Compares two result files of a million rows: `-m benchmarks.comparison_ways FILE_A FILE_B`.

For each line on the standard input it goes one step on, and prints the step's seconds and answer as
JSON: a plain loop over both files, the comparison with a copy as the download and the indexes, and
the same comparison with the indexes in place.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio

from benchmarks.pages_index import result_file
from evals_mcp.result_files.cache import ResultFiles
from evals_mcp.result_files.index import ResultIndex
from evals_mcp.tools.compare_evaluations import compare_evaluations
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import CompareEvaluationsInput

PARAMETERS = {
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "model_to_evaluate": "answer",
}


class Session:
    """What `compare_evaluations` needs of a session, with two files as two evaluations."""

    def __init__(self, folder: Path, files: dict[str, Path]) -> None:
        self.provider = self
        self._folder = folder
        self._files = files

    name = "local"

    def service_of(self, _evaluation_id: str) -> Session:
        return self

    async def evaluation_id(self, text: str, _field: str) -> str:
        return text

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        about = {"workflow_id": evaluation_id, "type": "classify", "status": "completed"}
        return EvaluationJob.model_validate({**about, "parameters": PARAMETERS})

    def result_rows(self, job: EvaluationJob) -> AbstractAsyncContextManager[ResultIndex]:
        name = job.workflow_id
        return result_file(ResultFiles(self._folder, 2**34), self._files[name], name)


def loop(files: dict[str, Path]) -> int:
    """Return the number of pairs with different labels, from one reading of each file."""
    labels: dict[int, str] = {}
    flips = 0
    for number, file in enumerate(files.values()):
        with file.open("rb") as stream:
            for line in stream:
                row = json.loads(line)
                if number == 0:
                    labels[row["id"]] = row["label"]
                else:
                    flips += labels[row["id"]] != row["label"]
    return flips


async def main(a: Path, b: Path) -> None:
    files = {"eval-a": a, "eval-b": b}
    arguments: Any = CompareEvaluationsInput(evaluation_id_a="eval-a", evaluation_id_b="eval-b")
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        session: Any = Session(Path(folder), files)

        async def compare() -> int:
            return (await compare_evaluations(arguments, session)).total_flips

        async def looped() -> int:
            return loop(files)

        for step in (looped, compare, compare):
            print("ready", flush=True)
            sys.stdin.readline()
            started = time.perf_counter()
            flips = await step()
            seconds = time.perf_counter() - started
            print(json.dumps({"seconds": seconds, "flips": flips}), flush=True)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
