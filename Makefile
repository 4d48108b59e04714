# Every target sets up .venv from requirements.lock by itself when needed. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
WORKERS ?= 2
KAFKA_PORT ?= 19092
KAFKA_NODES ?= 1
# Half of collecting tests is compiling them: keep what was compiled, also where the environment says not to.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo check test soak bench kafka screenshots reference lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kindred needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@echo "Compiling what judges pairs, once: half a minute"
	$(BIN)/python -c "from matcher.pairing import _augment, _rules"
	touch $@

demo: $(READY) ## show the whole way on made-up people; DEMO_ARGS=--once ends after the report
	$(BIN)/kindred demo $(DEMO_ARGS)

check: $(READY) ## format, lint, types, import contract, fast tests: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not slow and not soak" -n $(WORKERS)

test: $(READY) ## every test but the soak
	$(BIN)/pytest -m "not soak" -n $(WORKERS)

soak: $(READY) ## the tests that take minutes; SOAK=kafka only those with that word in their names
	$(BIN)/pytest -m soak -k "$(SOAK)"

bench: $(READY) ## measure beside the peers; BENCH="market score" chooses
	$(BIN)/python -m bench $(BENCH)

kafka: $(READY) ## a broker in the foreground until Ctrl-C; KAFKA_PORT chooses the port, KAFKA_NODES how many
	@$(BIN)/python -m tools.kafka --port $(KAFKA_PORT) --nodes $(KAFKA_NODES)

screenshots: $(READY) ## take the pictures of the docs again; needs Chromium
	$(BIN)/python -m tests.dashboard.screenshots docs/pictures

reference: $(READY) ## write the reference pages that follow from the code
	$(BIN)/python -m tools.reference

lock: $(READY) ## pin what is installed now
	echo '# What Kindred runs and is tested with. Written by `make lock`; versions only.' > requirements.lock
	$(BIN)/python -m pip freeze --exclude-editable >> requirements.lock

clean: ## remove what can be made again
	rm -rf .venv .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
