# Two commands on a fresh machine: `make demo`, `make test`.
VENV ?= .venv
PYTHON := $(VENV)/bin/python
TORCH := torch==2.13.0   # the oracle of the tests and the peer of the benchmarks; never needed at run time

.PHONY: demo test test-all systems recipes bench lint types layers clean

demo: $(VENV)/.base
	$(VENV)/bin/sheer train digits

test: $(VENV)/.dev
	$(PYTHON) -m pytest -n 2

test-all: $(VENV)/.dev
	$(PYTHON) -m pytest -n 2 --dist loadgroup -m "slow or not slow"

systems: $(VENV)/.dev   # every system of docs/systems.md, with its figures: hours of training
	$(PYTHON) -m pytest tests -m system --systems=docs/systems.md

recipes: $(VENV)/.dev   # every recipe with three seeds, one after the other, as docs/recipes.md
	$(PYTHON) -m pytest tests/recipes -m "slow or not slow" --recipes=docs/recipes.md

bench: $(VENV)/.bench   # with torch.compile, which takes minutes to compile what it is compared by
	$(VENV)/bin/sheer bench --compile

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check

types: $(VENV)/.dev
	$(VENV)/bin/mypy

layers: $(VENV)/.dev
	$(VENV)/bin/lint-imports

$(VENV)/.base: pyproject.toml
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --upgrade pip
	$(PYTHON) -m pip install --quiet --editable ".[plots]"
	touch $@

$(VENV)/.dev: $(VENV)/.base pyproject.toml
	$(PYTHON) -m pip install --quiet --editable ".[dev]"
	$(PYTHON) -m pip install --quiet $(TORCH)
	touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PYTHON) -m pip install --quiet --editable ".[dev,xla]"
	touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info
