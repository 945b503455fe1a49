# make demo    the sample company, end to end, then the dashboards (SERVE=0 stops after the summary)
# make test    every test
# make soak    the tests that repeat (kills, power cuts, histories, fuzzing), many times over: hours
# make check   lint, format, types, import contracts
# make bench   our times beside pm4py's, r4pm's and plain DuckDB's on a generated log (SIZE=1m, 10m, 100m): docs/benchmarks.md
# make clean   remove everything made here

PYTHON ?= python3
SERVE ?= 1
SIZE ?= 1m
BENCH_ARGS ?=
TEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
ERP := .venv-erp/.installed
ERP_REQUIREMENTS := event_logs/tryton_company/requirements.txt

.PHONY: help demo test soak check bench clean lock erp-env install install-dev

help:
	@sed -n 's/^# make /make /p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: $(PYTHON) is " + sys.version.split()[0] + "; expected Python 3.11 or newer; set PYTHON=python3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing the locked dependencies into $(VENV) (about a minute, once) ..."
	$(PIP) install -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) install -r requirements-dev.lock
	@touch $@

$(ERP): $(ERP_REQUIREMENTS)
	@test -x .venv-erp/bin/python || $(PYTHON) -m venv .venv-erp
	.venv-erp/bin/python -m pip --disable-pip-version-check --quiet install -r $(ERP_REQUIREMENTS)
	@touch $@

install: $(RUNTIME)
install-dev: $(DEV)
erp-env: $(ERP)

demo: $(RUNTIME)
	$(BIN)/o2c demo demo $(if $(filter 0,$(SERVE)),--no-serve,)

test: $(DEV) $(ERP)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TEST_ARGS)

soak: $(DEV)
	O2C_SOAK=1 $(BIN)/python -m pytest -m soak -rP -n 2 --dist loadfile $(TEST_ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)
	$(BIN)/python -m tests.bench.run --size $(SIZE) $(BENCH_ARGS)

lock: $(BIN)/python
	$(BIN)/python .ci/lock.py

clean:
	rm -rf $(VENV) .venv-erp demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
