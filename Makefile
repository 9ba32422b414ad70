# The words that people and CI use. `make` alone prints them.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run test soak lint format docs wheel lock bench spamcheck mutants

help:  ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/runtime  ## make .venv with the `consent` command

.venv/runtime: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the service needs into .venv ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

run: setup  ## start the demo at http://127.0.0.1:8000, with mail kept in /dev/mailbox
	@$(BIN)/consent demo --port 8000 --data var

test: .venv/dev  ## run every test, on SQLite and on PostgreSQL (in CI a PostgreSQL that cannot start is a failure)
	@$(BIN)/python -m pytest -n 2
	@$(BIN)/python -m pytest -n 2 --database postgresql

soak: .venv/dev  ## kill servers, workers and databases under load, 100 times each, and send what machines send, 100,000 times (an hour)
	@CONSENT_FAULTS=100 CONSENT_FAULTS_CHANGES=5000 $(BIN)/python -m pytest -n 2 --dist=loadfile tests/faults
	@CONSENT_SCHEMATHESIS=1000 $(BIN)/python -m pytest -n 2 tests/api/test_openapi.py  # 50,000 requests made up from the description
	@CONSENT_SCANNER_REQUESTS=100000 CONSENT_SCANNER_MACHINES=1000 CONSENT_SCANNER_PEOPLE=1000 CONSENT_STORIES=10000 CONSENT_FORGERIES=1000000 \
	  $(BIN)/python -m pytest -n 2 tests/test_scanners.py tests/test_promises.py tests/test_forgeries.py

lint: .venv/dev  ## ruff, mypy --strict, and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/dev  ## lay the code out as `make lint` wants it
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

docs: .venv/dev  ## write docs/law.md from the rules and the cases
	@$(BIN)/python docs/make_law.py

wheel: .venv/dev  ## build the sdist, and the wheel from it, into dist/
	@$(BIN)/python -m build --no-isolation

bench: .venv/dev  ## measure the hot paths against their ceilings (needs wrk); writes bench/results.md
	@$(BIN)/python -m bench.law
	@$(BIN)/python -m bench.many
	@$(BIN)/python -m bench.ledger
	@$(BIN)/python -m bench.run
	@$(BIN)/python -m bench.postgresql
	@$(BIN)/python -m bench.mail
	@$(BIN)/python -m bench.preflight

spamcheck: .venv/dev  ## what SpamAssassin and rspamd say about our mail, offline (needs both); writes bench/results.md
	@$(BIN)/python -m bench.spamcheck

mutants: .venv/dev  ## change the rules in every small way and see that a test notices (hours; not in CI)
	@$(PIP) install 'mutmut>=3.3,<4'
	@$(BIN)/mutmut run

lock:  ## renew the hash-pinned lock files (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-strip-extras --no-emit-index-url --extra dev -o requirements-dev.lock -q
	printf 'hatchling\neditables\n' | uv pip compile pyproject.toml - --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-strip-extras --no-emit-index-url -c requirements-dev.lock -o requirements.lock -q
