# `make` lists the targets. Everything installs into .venv, from locks with hashes; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
TEST_WORKERS ?= 2
WORKERS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo serve worker migrate verify env test test-fast test-long test-faults teeth test-containers test-compose check format lock bench wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Running ---------------------------------------------------------------------------------------------------------

demo: $(VENV)/demo.installed ## Run everything with people and movements in it (PORT=8000, WALLET_HOME=.wallet, RESET=1 wipes)
	@exec $(RUN) -m entrypoints demo $(if $(filter-out 0,$(RESET)),--reset)

serve: $(VENV)/demo.installed ## Serve the API on servers of your own, named by the environment (WORKERS=1)
	@exec $(RUN) -m entrypoints serve --workers $(WORKERS)

worker: $(VENV)/demo.installed ## Tell people what happened, on the servers that the environment names; any number of them
	@exec $(RUN) -m entrypoints worker

migrate: $(VENV)/demo.installed ## Bring the database that the environment names to the current schema
	@exec $(RUN) -m entrypoints migrate

verify: $(VENV)/demo.installed ## Check that the books of that database balance
	@exec $(RUN) -m entrypoints verify

env: ## Write an .env with random secrets for the compose file (once: one that is there stays)
	@if [ -e .env ]; then echo ".env is there already and stays as it is."; exit 0; fi; \
	umask 077; \
	$(PYTHON) -c 'import re, secrets, sys; print(re.sub("(?m)^([A-Z_]+=)example(:?).*", \
		lambda line: line[1] + (line[2] and "k1:") + secrets.token_hex(32), sys.stdin.read()), end="")' \
		<.env.example >.env.new \
	&& mv .env.new .env && echo ".env is written, with secrets of its own. Next: docker compose up --detach"

# --- Proving ---------------------------------------------------------------------------------------------------------

test: $(VENV)/dev.installed ## Run all tests on embedded servers
	$(RUN) -m pytest -n $(TEST_WORKERS) -m "not containers and not faults"

test-fast: $(VENV)/dev.installed ## Run what needs no server: core, properties, in-memory contracts, architecture
	$(RUN) -m pytest -m "not servers" tests/core tests/properties tests/contracts tests/architecture

# Tells how far it is, and its seed: WALLET_MODEL_SEED=… does the same once more.
test-long: $(VENV)/dev.installed ## Hold a million operations on the core, and 20,000 over HTTP, against the model
	WALLET_MODEL_OPERATIONS=1000000 $(RUN) -m pytest -s --timeout 3600 tests/model/test_core_agrees.py
	WALLET_MODEL_OPERATIONS=20000 $(RUN) -m pytest -s --timeout 3600 tests/model/test_service_agrees.py

test-faults: $(VENV)/dev.installed ## Kill, cut off and flood servers under load (FULL=1 for the long run, ROWS="f1 or f2" for some)
	FULL=$(FULL) $(RUN) -m pytest -m faults $(if $(ROWS),-k "$(ROWS)") tests/faults

teeth: $(VENV)/dev.installed ## Make the mistakes that a ledger can be made with, one by one, and see the tests notice (ONLY="cache")
	$(RUN) -m tests.teeth $(ONLY)

# Ryuk, which would clean up after a run that was killed, is one more image to fetch; the fixtures stop what they start.
test-containers: $(VENV)/dev.installed ## Run the contract suites on official images (needs a Docker engine)
	WALLET_TEST_SERVICES=containers TESTCONTAINERS_RYUK_DISABLED=true \
	$(RUN) -m pytest -n $(TEST_WORKERS) -m "servers or containers" tests/contracts tests/adapters/test_migrations.py

bench: $(VENV)/demo.installed ## Measure against SQL called by pgbench (QUICK=1 for two minutes, ROWS="http ledger" for some)
	@exec $(RUN) -m benchmarks $(if $(filter-out 0,$(QUICK)),--quick) $(if $(ROWS),--rows "$(ROWS)")

test-compose: ## Bring the compose file up for real and use it (needs a Docker engine)
	tests/compose/run.sh

check: $(VENV)/dev.installed ## Lint, check formatting, types and the direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/dev.installed ## Format the code
	$(VENV)/bin/ruff format .

# --- Building --------------------------------------------------------------------------------------------------------

# Each lock holds the one before it, version by version, so that a .venv can grow from one to the next.
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate $(if $(UPGRADE),--upgrade) pyproject.toml

lock: $(VENV)/dev.installed ## Write the locks anew from pyproject.toml (UPGRADE=1 takes newer versions)
	$(COMPILE) --extra service --output-file requirements/service.txt
	$(COMPILE) --extra service --extra demo --constraint requirements/service.txt --output-file requirements/demo.txt
	$(COMPILE) --extra service --extra twilio --extra otel --constraint requirements/demo.txt \
		--output-file requirements/extras.txt
	$(COMPILE) --extra service --extra demo --extra twilio --extra otel --extra dev \
		--constraint requirements/demo.txt --constraint requirements/extras.txt --output-file requirements/dev.txt

wheel: $(VENV)/dev.installed ## Build the library, wallet_core alone, into dist/
	$(VENV)/bin/uv build --wheel --out-dir dist

clean: ## Remove .venv, builds and caches; the demo's data stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find adapters benchmarks entrypoints tests wallet_core -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Installing ------------------------------------------------------------------------------------------------------

# One dot for each package; what pip said comes out only when it failed.
# --no-deps: the lock is complete, and leaves out a framework that one package names but that we do not use.
define install
	@printf 'Installing $< '
	@{ $(RUN) -m pip install --disable-pip-version-check --no-input --progress-bar off \
		--no-deps --require-hashes -r $< 2>&1; echo "pip-ended $$?"; } | awk ' \
		/^(Collecting|Processing) / { printf "."; fflush() } \
		/^Installing collected/ { printf " unpacking"; fflush() } \
		/^pip-ended / { code = $$2; next } \
		{ said[NR % 30] = $$0 } \
		END { print code == 0 ? " done" : " failed"; \
		      if (code != 0) for (i = NR - 29; i < NR; i++) if (i > 0) print said[i % 30]; exit code }'
	@touch $@
endef

$(VENV)/demo.installed: requirements/demo.txt $(VENV)/made
	$(install)

$(VENV)/dev.installed: requirements/dev.txt $(VENV)/made
	$(install)
	@touch $(VENV)/demo.installed

$(VENV)/made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.13 ..."; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python comes without venv and pip. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@
