# Every target does its own set-up: python3 (3.11 or newer), pip and make are all it needs.
PYTHON ?= python3
SCRIPTS := bin
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
endif
# Pinned, so that two machines write the same locks.
UV := 0.13.9
BIN := .venv/$(SCRIPTS)
READY := .venv/ready
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8
DEMO_BIN := .venv-demo/$(SCRIPTS)
DEMO_READY := .venv-demo/ready

# Images often set it; each process of the tests would then compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-nodes test check compiled tests coverage wheel bench clients catalogues conformance fresh faults proofs lock schemas page page-tests proxy-tests identity-tests pictures clean

demo: $(DEMO_READY)  ## run the whole conversation once, in this terminal
	$(DEMO_BIN)/python examples/demo.py

demo-nodes: $(READY)  ## an evaluation on several nodes, one of which is killed half way
	PYTHONPATH=.:examples $(BIN)/python examples/demo_nodes.py

test: $(READY)  ## everything a change must pass; pytest's closing line comes last
	$(MAKE) --jobs=2 check compiled wheel
	$(MAKE) tests

check: $(READY)  ## format, lint, language, structure, import contracts, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python tests/language.py
	$(BIN)/python tests/structure.py
	$(BIN)/lint-imports
	$(BIN)/basedpyright

wheel: $(READY)  ## build the wheel and run it away from this tree
	$(BIN)/python tests/wheel.py

compiled: $(READY)  ## compile the tests once, so that not every process of pytest does
	$(BIN)/python -m pytest --collect-only -qqq

tests: $(READY)
	$(PYTEST) $(PYTEST_ARGS)

coverage: $(READY)  ## the tests once more, with every line that they run; fails below 95 %
	$(PYTEST) --cov --cov-report=term --cov-fail-under=95 $(PYTEST_ARGS)

bench: $(READY)  ## figures beside a floor or a peer, taken in the same run
	$(BIN)/python -m benchmarks

clients: $(READY)  ## the main job through the clients that people use; fetched once
	$(BIN)/python -m tests.clients
	$(BIN)/python -m tests.clients.assistants

catalogues: $(READY)  ## what the catalogues of clients take, read by their own validators; fetched once
	$(BIN)/python -m tests.catalogues

conformance: $(READY)  ## the official protocol conformance suite over HTTP; fetched once
	$(BIN)/python -m tests.conformance.run

fresh: $(READY)  ## the wheel in empty environments: every Python, newest and oldest dependencies
	$(BIN)/python -m tests.fresh_install

faults: $(READY)  ## write docs/faults.md anew: every fault, at every stage, and what comes of it
	$(BIN)/python -m tests.faults > docs/faults.md

proofs: export TESTS_VOLUME := proofs
proofs: $(READY)  ## every example, fault, bomb, double start, kill and simulation; takes hours
	$(PYTEST) $(PYTEST_ARGS)
	$(BIN)/python -m tests.proofs.identical_creates
	$(BIN)/python -m tests.proofs.killed_runs
	$(BIN)/python -m tests.proofs.nodes
	$(BIN)/python -m tests.proofs.judge_coverage
	$(BIN)/python -m tests.proofs.cluster_coverage
	$(BIN)/python -m tests.proofs.corrected_coverage
	$(BIN)/python -m tests.proofs.labelled_samples
	$(BIN)/python -m tests.proofs.value_tests
	$(BIN)/python -m tests.proofs.gate_replays
	$(BIN)/python -m tests.proofs.drift_anchors
	$(BIN)/python -m tests.proofs.stopping_gates
	$(BIN)/python -m tests.proofs.stopping
	$(BIN)/python -m tests.hostile

schemas: $(READY)  ## write the tool list, and the types of the page, anew from the models
	$(BIN)/python -m evals_mcp.cli tools > schemas/evals_schemas/tools/tools.json
	$(BIN)/python -m tests.page.shapes > page/src/shapes.ts

page: $(READY)  ## build server/evals_mcp/views/page.html from page/; the tool list has its address
	$(BIN)/python -m tests.page.build
	$(BIN)/python -m evals_mcp.cli tools > schemas/evals_schemas/tools/tools.json

page-tests: $(READY)  ## the page in a real Chromium, which EVALS_CHROMIUM may name
	$(BIN)/python -m tests.page.browser

proxy-tests: $(READY)  ## a team behind nginx, which NGINX may name; needs an installed nginx
	$(BIN)/python -m tests.proxy "$(or $(NGINX),nginx)"

identity-tests: $(READY)  ## a team whose users log in at a real identity provider; fetched once
	$(BIN)/python -m tests.identity

pictures: $(READY)  ## take the pictures of docs/pictures anew
	$(BIN)/python -m tests.page.browser.pictures

rubrics: $(READY)  ## write docs/rubrics.md anew from the table of ready rubrics
	$(BIN)/python -m evals_mcp.cli rubrics > docs/rubrics.md

lock: $(READY)  ## resolve the locks anew, for every platform and Python
	$(BIN)/python -m pip install --quiet uv==$(UV)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --group dev --extra otel --extra parquet --extra postgres --upgrade --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --group image --extra otel --extra parquet --extra postgres --constraint requirements.lock \
	  --output-file deploy/requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --group image --constraint requirements.lock --output-file examples/requirements.lock pyproject.toml

# $(call installed,folder,its scripts,lock): an environment with what the lock names and this project.
define installed
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evals-mcp needs Python 3.11 or newer")'
$(PYTHON) -m venv --clear $(1)
$(2)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r $(3)
$(2)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
$(2)/python -c 'import pathlib; pathlib.Path("$(1)/ready").touch()'
endef

$(READY): requirements.lock pyproject.toml  # everything that a developer needs
	$(call installed,.venv,$(BIN),requirements.lock)

$(DEMO_READY): examples/requirements.lock pyproject.toml  # what the server needs, and no more
	$(call installed,.venv-demo,$(DEMO_BIN),examples/requirements.lock)

clean:
	rm -rf .venv .venv-demo build dist .coverage* .pytest_cache .ruff_cache .hypothesis
