from __future__ import annotations

from evals_mcp.launching.request import to_request
from evals_schemas.tools.inputs import CreateEvaluationInput
from tests.engine.contract import assert_create


def test_a_candidate_without_settings_is_sent_with_what_the_contract_requires() -> None:
    arguments = {
        "type": "compare",
        "input_data_file_path": "file-1",
        "judge": {"model": "judge", "system_template": "Which is better?"},
        "model_a": {"model": "one", "system_template": "", "input_template": "{{q}}"},
        "model_b": {
            "model": "two",
            "system_template": "",
            "input_template": "{{q}}",
            "max_tokens": 5,
            "temperature": 0,
        },
    }
    request = to_request(CreateEvaluationInput.model_validate(arguments), {})

    body = request.model_dump(mode="json", exclude_none=True)
    assert_create(body)
    sides = [body["parameters"][side] for side in ("model_a", "model_b")]
    assert [(side["max_tokens"], side["temperature"]) for side in sides] == [(1024, 0.05), (5, 0)]
