# make quickstart   set up .venv, then train and evaluate the embedded model (minutes)
# make test         set up .venv, then run all tests
# make lint         set up .venv, then formatter, linter and type checker

PYTHON ?= python3
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart test lint
.DELETE_ON_ERROR:

quickstart: $(STAMP)
	$(BIN)/saysel run quickstart

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Repeated only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("saysel needs Python 3.10 or newer, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.x") if sys.version_info < (3, 10) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
