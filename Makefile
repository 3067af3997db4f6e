# Needs Python 3.11 or later, git and make. Everything else is installed into .venv. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
# --quiet twice: hide warnings about the user's pip configuration, still print errors.
PIP_FLAGS := --quiet --quiet --disable-pip-version-check
STEPS := lint types imports locales prove pytest
CATALOGUES := $(wildcard dialogs/locales/*/LC_MESSAGES/*.po)

# Prints the first Python that is new enough and starts. A pyenv shim can exist and still fail.
find_python = for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: help run chat page pictures test $(STEPS) format fuzz bench soak test-matrix lock settings trace audit clean .venv

##   run          start the playground: Slack and Teams side by side in a local page (the default)
run: $(VENV)/ready locales page
	@$(BIN)/cm-advisor playground

##   chat         start a dialog in this terminal
chat: $(VENV)/ready locales
	@$(BIN)/cm-advisor chat

##   page         build the playground's page (Node comes from PyPI)
PAGE := adapters/playground/page
page: $(PAGE)/dist/app.js

$(PAGE)/dist/app.js: $(wildcard $(PAGE)/*.jsx $(PAGE)/*.css $(PAGE)/*.html $(PAGE)/*.json) | $(VENV)/ready
	@echo "Building the playground's page"
	@NPM="$(CURDIR)/$(BIN)/npm"; [ -x "$$NPM" ] || NPM=npm; PATH="$(CURDIR)/$(BIN):$$PATH"; cd $(PAGE) && \
		"$$NPM" ci --silent --no-progress && "$$NPM" run --silent build

##   pictures     take the README's screenshots again (needs Chromium and a font with emoji)
pictures: $(VENV)/ready locales page
	@$(BIN)/python -m tests.browser.playground.pictures

##   test         all checks of CI: lint, types, imports, locales, prove, pytest
# mypy runs in parallel with the other steps, because it starts without a cache in CI. Its output is printed last.
test: $(VENV)/ready
	@run="$(MAKE) --silent --no-print-directory"; failed() { echo "make test: '$$1' failed" >&2; exit 1; }; \
	output=$$(mktemp); $$run types >"$$output" 2>&1 & types=$$!; trap 'kill $$types 2>/dev/null; rm -f "$$output"' EXIT; \
	for step in $(filter-out types,$(STEPS)); do echo "== $$step"; $$run $$step || failed $$step; done; \
	echo "== types"; wait $$types || { cat "$$output"; failed types; }

##   lint         check style and formatting
lint: $(VENV)/ready
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; echo "Run 'make format'."; exit 1; }

##   format       fix style and formatting where possible
format: $(VENV)/ready
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

##   types        check types with mypy
types: $(VENV)/ready
	@$(BIN)/mypy

##   imports      check the directions of imports
imports: $(VENV)/ready
	@$(BIN)/lint-imports --no-logo

##   locales      compile changed message catalogues
locales: $(VENV)/ready $(CATALOGUES:.po=.mo)

%.mo: %.po deploy/build_locales.py | $(VENV)/ready
	@$(BIN)/python deploy/build_locales.py $<

##   prove        check every path through the flow and every text
prove: $(VENV)/ready locales
	@$(BIN)/cm-advisor prove

# One more than cores: many tests wait for other processes.
WORKERS = $$(( $$(nproc 2>/dev/null || echo 2) + 1 ))

##   pytest       run the tests only
pytest: $(VENV)/ready locales
	@$(MAKE) --silent --no-print-directory page || echo "Could not build the playground's page: its browser tests are skipped."
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

##   fuzz         run the fuzz tests with more than 100,000 requests (make fuzz FUZZ=10 for fewer)
FUZZ := 40
fuzz: $(VENV)/ready locales
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest -n0 -s tests/security/test_fuzz.py

##   bench        run the benchmarks, with peers for comparison (BENCH="press scale --seconds 1" for a part)
bench: $(VENV)/ready locales .venv-bench/ready
	@$(BIN)/python -m tests.benchmarks $(BENCH)

# A separate environment: the peers' libraries pin versions older than the project's.
.venv-bench/ready: tests/benchmarks/requirements.lock | $(VENV)/ready
	@echo "Preparing .venv-bench"
	@$(BIN)/python -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install $(PIP_FLAGS) --require-hashes --requirement $<
	@touch $@

##   soak         run 10,000 dialogs under fault injection (make soak DIALOGS=1000 SEED=7)
soak: $(VENV)/ready locales
	@$(BIN)/python -m tests.fault_injection.load_test --dialogs $(or $(DIALOGS),10000) $(if $(SEED),--seed $(SEED))

##   test-matrix  run pytest under each installed Python from 3.11 to 3.13
test-matrix:
	@.ci/matrix 3.11 3.12 3.13

##   lock         rebuild the lock files (make lock UPGRADE=--upgrade for newer releases)
COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)
BUILDS = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
lock: $(VENV)/ready
	@$(COMPILE) pyproject.toml --extra otel --group dev --output-file requirements.lock
	@$(COMPILE) pyproject.toml --extra otel --constraints requirements.lock --output-file deploy/requirements.lock
	@$(BIN)/python -c '$(BUILDS)' | $(COMPILE) - --constraints requirements.lock --output-file deploy/build.lock
	@$(COMPILE) tests/benchmarks/requirements.in --output-file tests/benchmarks/requirements.lock

##   settings     update the table of settings in README.md
settings: $(VENV)/ready
	@$(BIN)/python -m deploy.settings_table README.md

##   trace        update the lists of function calls in deploy/docs/how-it-works.md
trace: $(VENV)/ready locales
	@$(BIN)/python -m deploy.trace_page deploy/docs/how-it-works.md

##   audit        look up known vulnerabilities of the locked packages (needs the network)
audit: $(VENV)/ready
	@$(BIN)/python deploy/audit.py requirements.lock deploy/requirements.lock deploy/build.lock

##   clean        remove everything that make created
clean:
	@rm -rf $(PAGE)/dist $(PAGE)/node_modules .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find adapters bot dialogs deploy tests -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -exec rm -f {} +

##   help         print this list
help:
	@sed -n 's/^##//p' $(MAKEFILE_LIST)

##   .venv        create the virtual environment with all tools
.venv: $(VENV)/ready

# Rebuilt when requirements.lock or pyproject.toml changes.
$(VENV)/ready: requirements.lock pyproject.toml
	@python=$$($(find_python)); \
	[ -n "$$python" ] || { echo "Python 3.11 or later is needed, with its venv module." >&2; exit 1; }; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $$python -m venv --clear $(VENV); \
	echo "Preparing $(VENV) with $$($(BIN)/python --version)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@
