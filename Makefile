# `make demo` shows what this is, `make test` runs all tests. Each sets everything up in .venv, works twice in a row and
# leaves no process behind.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lab bench soak lint picture chromium clean

demo: .venv/ready
	$(BIN)/python notebooks/demo.py build/demo

# Most tests wait for a server or a browser, so three files run at a time.
test: .venv/ready chromium
	$(BIN)/python -m pytest -q -n 3 --dist loadfile

lab: .venv/ready
	$(BIN)/jupyter lab notebooks/delete_user.ipynb

bench: .venv/ready
	mkdir -p build
	$(BIN)/python tests/benchmarks/bench.py build/bench.md

# A thousand random sequences of changes instead of the fifty of `make test`, other ones each time.
soak: .venv/ready
	SOAK_SEQUENCES=1000 $(BIN)/python -m pytest -q tests/live/test_sequences.py

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pictures in README.md, from a real JupyterLab.
picture: .venv/ready chromium
	$(BIN)/python tests/browser/screenshot.py docs

# The browser tests need one; they take the system's.
chromium:
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
	  || { test "$$(id -u)" = 0 && command -v apt-get && apt-get update -qq \
	       && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
	  || { echo "make test needs Chromium: install it (on Debian: apt-get install chromium), then run it again" >&2; exit 1; }

# pip gets upgraded first: dependency groups need 25.1.
.venv/ready: pyproject.toml Makefile
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[embedded,keyring,pandas]' --group dev
	touch $@

clean:
	rm -rf .venv build
