# Everything runs in a virtual environment of its own; nothing needs installing first but Python 3.10+ and make.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
READY := $(VENV)/.ready

WORKERS ?= 3
TESTS ?=
WORDS ?=
MINUTES ?= 10
SEED ?=
RUNS ?= 10

.PHONY: help demo demo-fleet demo-swarm test again lint check mutants soak bench reference picture clean

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(READY)  ## bring up the sandbox, set its host up, deploy, then deploy a release with a migration
	PATH="$(CURDIR)/$(BIN):$$PATH" sh sandbox/demo.sh

demo-fleet: $(READY)  ## the same with three hosts on one database: a roll, and a release with a migration
	PATH="$(CURDIR)/$(BIN):$$PATH" sh sandbox/demo-fleet.sh

demo-swarm: $(READY)  ## the same with three nodes of a Docker Swarm, two replicas: a roll, and a release with a migration
	PATH="$(CURDIR)/$(BIN):$$PATH" sh sandbox/demo-swarm.sh

test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)  ## every test, those against the sandbox too, and what they cover; WORKERS=2, TESTS="--reverse tests/unit": pytest's words
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov=galos_ops --cov-report=term $(TESTS)

again: $(READY)  ## the tests that failed in the last run, one after the other, until one of them fails
	$(BIN)/pytest -v --last-failed --last-failed-no-failures none --exitfirst

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## what must stay fast and green: lint, types, layers, unit tests
	$(BIN)/pytest -q -n auto tests/unit

mutants: $(READY)  ## take each protection out of a copy and expect the tests that cover it to fail; WORDS=pull chooses
	$(BIN)/python -m tests.mutants $(WORDS)

bench: $(READY)  ## measure a deploy beside ssh, Fabric, pyinfra and Ansible, and write docs/performance.md; RUNS=3: a quick one
	$(BIN)/python -m benchmarks --runs $(RUNS)

soak: $(READY)  ## random deploys, kills, freezes, pushes and restarts, judged from outside; MINUTES=60 SEED=7
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

reference: $(READY)  ## write what is made from the code anew: docs/reference.md, docs/errors.md, the templates
	$(BIN)/python -m scripts.reference

picture: $(READY)  ## take the README's picture of a deploy anew, in the sandbox
	$(BIN)/python -m scripts.picture

clean:  ## take the sandbox down and remove what make built
	test ! -x $(BIN)/fab || $(BIN)/fab sandbox.down
	rm -rf $(VENV) build dist *.egg-info .coverage*

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV) || { apt-get update -q && apt-get install -qy python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
