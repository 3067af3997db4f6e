# Needs Python 3.11 or later, git and make; everything else goes into .venv. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: a warning about somebody's own pip settings is not ours to print; an error still is.
PIP_FLAGS := --quiet --quiet --disable-pip-version-check
STEPS := lint types imports locales prove pytest
CATALOGUES := $(wildcard dialogs/locales/*/LC_MESSAGES/*.po)

# Prints the first Python that is new enough and really runs: a pyenv shim may exist and still refuse.
find_python = for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: help run chat page pictures test $(STEPS) format fuzz bench soak test-matrix lock settings audit clean .venv

##   run          try it as in Slack and in Teams, in a page on this computer (the default)
run: $(VENV)/ready locales page
	@$(BIN)/cm-advisor playground

##   chat         talk to the advisor in this terminal
chat: $(VENV)/ready locales
	@$(BIN)/cm-advisor chat

##   page         build the playground's page; Node comes from PyPI, so that a fresh machine needs none
PAGE := adapters/playground/page
page: $(PAGE)/dist/app.js

$(PAGE)/dist/app.js: $(wildcard $(PAGE)/*.jsx $(PAGE)/*.css $(PAGE)/*.html $(PAGE)/*.json) | $(VENV)/ready
	@echo "Building the playground's page"
	@NPM="$(CURDIR)/$(BIN)/npm"; [ -x "$$NPM" ] || NPM=npm; PATH="$(CURDIR)/$(BIN):$$PATH"; cd $(PAGE) && \
		"$$NPM" ci --silent --no-progress && "$$NPM" run --silent build

##   pictures     take the README's pictures anew (with Debian's chromium)
pictures: $(VENV)/ready locales page
	@$(BIN)/python -m tests.browser.playground.pictures

##   test         all that CI checks: lint, types, imports, locales, prove, pytest
# mypy, which reads everything anew in CI, goes on beside the others; what it says comes last.
test: $(VENV)/ready
	@run="$(MAKE) --silent --no-print-directory"; failed() { echo "make test: '$$1' failed" >&2; exit 1; }; \
	said=$$(mktemp); $$run types >"$$said" 2>&1 & types=$$!; trap 'kill $$types 2>/dev/null; rm -f "$$said"' EXIT; \
	for step in $(filter-out types,$(STEPS)); do echo "== $$step"; $$run $$step || failed $$step; done; \
	echo "== types"; wait $$types || { cat "$$said"; failed types; }

##   lint         style and formatting
lint: $(VENV)/ready
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; echo "Run 'make format'."; exit 1; }

##   format       put the style right where that can be done by itself
format: $(VENV)/ready
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

##   types        mypy, strict
types: $(VENV)/ready
	@$(BIN)/mypy

##   imports      arrows between the folders point one way
imports: $(VENV)/ready
	@$(BIN)/lint-imports --no-logo

##   locales      compile the catalogues that changed
locales: $(VENV)/ready $(CATALOGUES:.po=.mo)

%.mo: %.po deploy/build_locales.py | $(VENV)/ready
	@$(BIN)/python deploy/build_locales.py $<

##   prove        walk every path through the flow
prove: $(VENV)/ready locales
	@$(BIN)/cm-advisor prove

# One more than there are cores: much of what the tests do is to wait for what happens elsewhere.
WORKERS = $$(( $$(nproc 2>/dev/null || echo 2) + 1 ))

##   pytest       the tests alone
pytest: $(VENV)/ready locales
	@$(MAKE) --silent --no-print-directory page || echo "The playground's page cannot be built: its browser tests are skipped."
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

##   fuzz         the fuzz tests with many more deliveries: 100,000 and more (make fuzz FUZZ=10 for fewer)
FUZZ := 40
fuzz: $(VENV)/ready locales
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest -n0 -s tests/security/test_fuzz.py

##   bench        the benchmarks, and those compared with (BENCH="press scale --seconds 1" for a part)
bench: $(VENV)/ready locales .venv-bench/ready
	@$(BIN)/python -m tests.benchmarks $(BENCH)

# The peers' libraries and the plots' need an environment of their own: they pin what the project has newer.
.venv-bench/ready: tests/benchmarks/requirements.lock | $(VENV)/ready
	@echo "Preparing .venv-bench"
	@$(BIN)/python -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install $(PIP_FLAGS) --require-hashes --requirement $<
	@touch $@

##   soak         ten thousand dialogs while everything goes wrong (make soak DIALOGS=1000 SEED=7)
soak: $(VENV)/ready locales
	@$(BIN)/python -m tests.fault_injection.load_test --dialogs $(or $(DIALOGS),10000) $(if $(SEED),--seed $(SEED))

##   test-matrix  pytest under each Python 3.11 to 3.13 found here
test-matrix:
	@.ci/matrix 3.11 3.12 3.13

##   lock         remake the lock files (make lock UPGRADE=--upgrade for newer releases)
COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)
BUILDS = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
lock: $(VENV)/ready
	@$(COMPILE) pyproject.toml --extra otel --group dev --output-file requirements.lock
	@$(COMPILE) pyproject.toml --extra otel --constraints requirements.lock --output-file deploy/requirements.lock
	@$(BIN)/python -c '$(BUILDS)' | $(COMPILE) - --constraints requirements.lock --output-file deploy/build.lock
	@$(COMPILE) tests/benchmarks/requirements.in --output-file tests/benchmarks/requirements.lock

##   settings     write the table of settings into README.md
settings: $(VENV)/ready
	@$(BIN)/python -m deploy.settings_table README.md

##   audit        known weaknesses of what is locked; says so where the network cannot be asked
audit: $(VENV)/ready
	@$(BIN)/python deploy/audit.py requirements.lock deploy/requirements.lock deploy/build.lock

##   clean        remove all that make made
clean:
	@rm -rf $(PAGE)/dist $(PAGE)/node_modules .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find adapters bot dialogs deploy tests -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -exec rm -f {} +

##   help         this list
help:
	@sed -n 's/^##//p' $(MAKEFILE_LIST)

##   .venv        the environment alone, with all the tools in it
.venv: $(VENV)/ready

# Remade when the lock or the project's own file changes; otherwise costs nothing.
$(VENV)/ready: requirements.lock pyproject.toml
	@python=$$($(find_python)); \
	[ -n "$$python" ] || { echo "Python 3.11 or later is needed, with its venv module." >&2; exit 1; }; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $$python -m venv --clear $(VENV); \
	echo "Preparing $(VENV) with $$($(BIN)/python --version)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@
