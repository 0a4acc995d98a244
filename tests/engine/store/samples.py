"""Records for the tests of the store."""

from evals_engine.store.records import ProcessId, StoredEvaluation, StoredFile, UserName

ADA, EVE = UserName("ada"), UserName("eve")
ME, OTHER = ProcessId("me"), ProcessId("other")


def an_evaluation(name: str = "eval-1", owner: UserName = ADA) -> StoredEvaluation:
    return StoredEvaluation(
        id=name,
        owner=owner,
        type="classify",
        parameters={"labels": ["a"]},
        file_id="file-1",
        status="pending",
        results=None,
        total_rows=None,
        done_rows=0,
        failed_rows=0,
        created_at=1,
        updated_at=1,
        cancel_requested=False,
    )


def a_file(name: str = "file-1", owner: UserName = ADA, key: str | None = None) -> StoredFile:
    return StoredFile(name, owner, "data.jsonl", "eval", "jsonl", 10, 2, 1.0, key)
