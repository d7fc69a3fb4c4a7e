# `make test` sets everything up in .venv and runs all tests. It works twice in a row and leaves no process behind.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: test lint clean

test: .venv/ready
	$(BIN)/python -m pytest -q

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/mypy

# pip gets upgraded first: dependency groups need 25.1.
.venv/ready: pyproject.toml Makefile
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[embedded,keyring,pandas]' --group dev
	touch $@

clean:
	rm -rf .venv
