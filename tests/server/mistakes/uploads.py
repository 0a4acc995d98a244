"""Mistakes in `upload_dataset`."""

from __future__ import annotations

from typing import Any

from tests.server.mistakes.mistake import Mistake, upload

FILES: dict[str, str | bytes] = {
    "support_answers.jsonl": '{"question": "1+1", "answer": "2"}\n',
    "Report.csv": "question,answer\n1+1,2\n",
    "wrapped.json": '{"rows": [{"question": "1+1"}, {"question": "1+2"}]}',
    "wrapped_lines.json": '{\n  "data": [\n    {"question": "1+1"}\n  ]\n}\n',
    "wrapped.jsonl": '{"rows": [{"question": "1+1"}, {"question": "1+2"}]}\n',
    "by_column.json": '{"question": ["1+1", "1+2"], "answer": ["2", "3"]}',
    "lines.json": '{"question": "1+1"}\n{"question": "1+2"}\n',
    "one.json": '{"question": "1+1", "answer": "2"}',
    "number.json": "42",
    "empty.json": "",
    "empty_list.json": "[]",
    "texts.json": '["1+1", "1+2"]',
    "array.jsonl": '[{"question": "1+1"}]\n',
    "pretty.jsonl": '{\n "question": "1+1"\n}\n',
    "table.jsonl": "question,answer\n1+1,2\n",
    "tabs.csv": "question\tanswer\n1+1\t2\n",
    "semicolons.csv": "question;answer\n1+1;2\n",
    "lines.csv": '{"question": "1+1"}\n',
    "page.csv": "<html><body>Not found</body></html>\n",
    "header.csv": "question,answer\n",
    "twice.csv": "question,question\n1,2\n",
    "longer.csv": "question,answer\n1+1,2,3\n",
    "empty.jsonl": "",
    "broken.jsonl": "{'question': '1+1'}\n",
    "book.xlsx": b"PK\x03\x04rest",
    "answers.jsonl.gz": b"\x1f\x8b\x08rest",
    "utf16.csv": "question,answer\n1,2\n".encode("utf-16"),
    "latin.csv": "question,answer\nsí,2\n".encode("latin-1"),
    "paper.pdf": b"%PDF-1.7",
    "notes.docx": b"PK\x03\x04rest",
    "fake.parquet": "question,answer\n1,2\n",
    "sub/inner.jsonl": '{"question": "1+1"}\n',
}
"""The files of the folder from which uploads are allowed."""

ROW: dict[str, Any] = {"question": "1+1", "answer": "2"}

PATHS: list[Mistake] = [
    upload("support_answers.jsonl'", path="suport_answers.jsonl"),
    upload("support_answers.jsonl'", path="support_answers.csv"),
    upload("support_answers.jsonl'", path="support_answers"),
    upload("support_answers.jsonl'", path="support-answers.jsonl"),
    upload("support_answers.jsonl'", path="Support_Answers.jsonl"),
    upload("Report.csv'", path="report.csv"),
    upload(
        "It has 'Report.csv', 'array.jsonl', 'broken.jsonl', 'by_column.json',",
        path="zzz.parquet",
    ),
    upload("support_answers.jsonl'", path="data/support_answers.jsonl"),
    upload("sub/inner.jsonl'", path="subb/inner.jsonl"),
    upload("sub/inner.jsonl'", path="sub/iner.jsonl"),
    upload("sub/inner.jsonl'", path="inner.jsonl"),
    upload("support_answers.jsonl'", path="@folder/suport_answers.jsonl"),
    upload(
        "Check the name, or pass the rows themselves as `rows`",
        path="@folder/nowhere/x.jsonl",
    ),
    upload("support_answers.jsonl'", path="/mnt/data/support_answers.jsonl"),
    upload(
        "`path` begins with ~ and the name of an unknown user; write the whole",
        path="~nobody9/x.jsonl",
    ),
    upload(
        "`path` is a folder; name one data file in it, such as a .jsonl or",
        path="sub",
    ),
    upload(
        "`path` is a URL, and URLs are not read: download the file into an",
        path="https://example.org/x.csv",
    ),
    upload(
        "`path` is a URL, and URLs are not read: download the file into an",
        path="file:///x.csv",
    ),
    upload("`path` must be a string, not empty; got ''.", path=""),
    upload(
        "`path` must be a string, not empty; got an array of 1.",
        path=["support_answers.jsonl"],
    ),
    upload(
        "`path` is the id of a stored data set, which needs no upload: give it",
        path="@pairs",
    ),
    upload("Pass either `path`, a .jsonl, .csv, .tsv, .json or .parquet file, or"),
    upload(
        "Pass either `path`, a .jsonl, .csv, .tsv, .json or .parquet file, or",
        path="support_answers.jsonl",
        rows=[ROW],
    ),
]

CONTENTS: list[Mistake] = [
    upload(
        "line 1: the rows are inside 'rows'; write the array alone, without",
        path="wrapped.json",
    ),
    upload(
        "line 1: the rows are inside 'data'; write the array alone, without",
        path="wrapped_lines.json",
    ),
    upload(
        "line 1: the rows are inside 'rows'; write the array alone, without",
        path="wrapped.jsonl",
    ),
    upload(
        "line 1: it is one object, not an array; put each row into an object",
        path="by_column.json",
    ),
    upload(
        "line 1: it looks like JSONL; give the file a name that ends in .jsonl.",
        path="lines.json",
    ),
    upload(
        "line 1: it is one object, not an array; put each row into an object",
        path="one.json",
    ),
    upload(
        "line 1: it is not a JSON array; a .json file must be an array of",
        path="number.json",
    ),
    upload("the file is empty.", path="empty.json"),
    upload("the data set has no rows.", path="empty_list.json"),
    upload(
        "item 1: not an object (line 1): each item of the array is one row,",
        path="texts.json",
    ),
    upload(
        "line 1: it is a JSON array; give the file a name that ends in .json,",
        path="array.jsonl",
    ),
    upload(
        "line 1: an object over several lines; JSONL has a whole object on",
        path="pretty.jsonl",
    ),
    upload(
        "line 1: it looks like CSV; give the file a name that ends in .csv.",
        path="table.jsonl",
    ),
    upload(
        "line 1: one column, 'question\\tanswer': is the file separated by",
        path="tabs.csv",
    ),
    upload(
        "line 1: one column, 'question;answer': is the file separated by",
        path="semicolons.csv",
    ),
    upload(
        "line 1: it looks like JSONL; give the file a name that ends in .jsonl.",
        path="lines.csv",
    ),
    upload("the data set has no rows.", path="page.csv"),
    upload("the data set has no rows.", path="header.csv"),
    upload(
        "line 1: two columns with the same name; the first line of a CSV file",
        path="twice.csv",
    ),
    upload("line 2: 3 cells, the header has 2.", path="longer.csv"),
    upload("the data set has no rows.", path="empty.jsonl"),
    upload(
        "line 1: not JSON (Expecting property name enclosed in double quotes:",
        path="broken.jsonl",
    ),
    upload(
        "line 1: it is a ZIP archive or an Excel workbook; save the table as",
        path="book.xlsx",
    ),
    upload(
        "line 1: it is compressed with gzip; decompress it first.",
        path="answers.jsonl.gz",
    ),
    upload("line 1: it is UTF-16; save it as UTF-8.", path="utf16.csv"),
    upload(
        "line 2: not UTF-8 (byte 2 of the line): save the file as UTF-8.",
        path="latin.csv",
    ),
    upload("line 1: it is a PDF; write the rows to a .jsonl file.", path="paper.pdf"),
    upload(
        "line 1: it is a ZIP archive or an Excel workbook; save the table as",
        path="notes.docx",
    ),
    upload(
        "line 1: it is not a Parquet file; name the file after its content.",
        path="fake.parquet",
    ),
]

ROWS: list[Mistake] = [
    upload("`rows` must be an array of 1 or more; got an array of 0.", rows=[]),
    upload("`rows` must be an array of 1 or more; got an object.", rows={}),
    upload(
        "`rows` must be an array of 1 or more; got an object: pass the array",
        rows={"rows": [ROW]},
    ),
    upload(
        "`rows` must be an array of 1 or more; got an object: rows are an",
        rows=ROW,
    ),
    upload(
        "`rows` must be an array of 1 or more; got an object: rows are an",
        rows={"question": ["1+1"], "answer": ["2"]},
    ),
    upload(
        "`rows` must be an array of 1 or more; got 'question,answer 1+1,2':",
        rows="question,answer\n1+1,2",
    ),
    upload(
        "`rows.0` must be an object; got '1+1'. `rows.1` must be an object;",
        rows=["1+1", "1+2"],
    ),
    upload("`rows.0` must be an object; got an array of 2.", rows=[["1+1", "2"]]),
    upload("row 1: a row with no columns.", rows=[{}]),
    upload("Did you mean 'question'?", rows=[ROW], columns=["questoin"]),
    upload("Did you mean 'question'?", rows=[ROW], columns=["Question"]),
    upload(
        "`columns`: there is no 'id'; the columns are 'question', 'answer'.",
        rows=[ROW],
        columns=["id"],
    ),
    upload(
        "`columns` must be an array of 1 or more; got an array of 0.",
        rows=[ROW],
        columns=[],
    ),
    upload("did you mean ['questoin']?", rows=[ROW], columns="questoin"),
    upload("did you mean `columns`?", rows=[ROW], column="question"),
    upload("`name` must be a string, not empty; got ''.", rows=[ROW], name=""),
    upload(
        "`benchmark`: there is no column `question`; the columns are 'prompt',",
        rows=[{"prompt": "1+1", "reply": "2"}],
        benchmark=True,
    ),
    upload("`benchmark` must be true or false; got 'x'.", rows=[ROW], benchmark="x"),
    upload("did you mean `rows`?", data=[ROW]),
    upload("did you mean `path`?", file="support_answers.jsonl"),
    upload("did you mean `path`?", file_path="support_answers.jsonl"),
    upload("did you mean `path`?", filename="support_answers.jsonl"),
    upload(
        "URLs are not read: download the file and give its `path`.",
        url="https://example.org/x.csv",
    ),
    upload("did you mean `rows`?", content="question,answer"),
    upload(
        "the format follows the ending of the file's name, such as .csv.",
        path="support_answers.jsonl",
        format="csv",
    ),
    upload(
        "the whole file is stored; for fewer, pass `rows`.",
        path="support_answers.jsonl",
        limit=5,
    ),
]

UPLOADS = [*PATHS, *CONTENTS, *ROWS]
