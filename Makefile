# Two commands do everything: `make demo` and `make test`. Both make .venv and install into it.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# A worker more than two cores have: tests of clusters, servers and killed processes mostly wait.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder
SLOW_TESTS := train cluster benchmarks serve/test_serve_page.py corpus/sources/mediawiki

.PHONY: help demo test test-fast pytest lint format clean

help:
	@echo "make demo    index real Wikipedia text, ask three questions, rerank (no torch, no network after install)"
	@echo "make test    linters, type checks and the whole test suite"
	@echo "make test-fast  the tests that need no training, cluster, browser or MediaWiki"
	@echo "make lint    linters and type checks alone"
	@echo "make format  lay the code out"
	@echo "make clean   remove the virtual environment, caches and the demo's index"

demo: $(VENV)/.demo-installed
	$(BIN)/wikirank demo

# Types are checked beside the tests, which leave a core idle for long.
test: $(VENV)/.test-installed
	@$(MAKE) --no-print-directory -j 2 lint pytest

pytest: $(VENV)/.test-installed
	$(BIN)/python -m pytest $(WORKERS)

test-fast: $(VENV)/.test-installed
	$(BIN)/python -m pytest $(WORKERS) -m "not slow and not train" $(addprefix --ignore=tests/,$(SLOW_TESTS))

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pydoclint -q plugin retrievers

format: $(VENV)/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pip that comes with Python 3.11 takes twice as long.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	-$(BIN)/python -m pip install -q --upgrade pip

$(VENV)/.demo-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[sample]"
	@touch $@

$(VENV)/.test-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --no-compile -c constraints.txt -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) demo-index build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
