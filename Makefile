# `make demo` shows what this is, `make test` runs all tests, `make quick` those that need no server. Each sets everything
# up in .venv, works twice in a row and leaves no process behind.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml README.md LICENSE $(shell find milvus_magics -type f -not -path '*/__pycache__/*')

.PHONY: demo test quick promises house catalogue lab bench walk soak fuzz matrix lint audit picture chromium clean

demo: .venv/installed
	$(BIN)/python notebooks/demo.py build/demo

# Most tests wait for a server, so three files run at a time; fewer of those with a browser, which shows dialogs of its
# own where it has to wait for long; and the one that keeps all processors busy runs alone.
# They run somewhere else, where Python finds the installed wheel and not the tree.
# Form and types come first: what they find is known in seconds.
PYTEST := ../../$(BIN)/python -m pytest -q -c ../../pyproject.toml
test: lint .venv/installed chromium
	mkdir -p build/elsewhere
	cd build/elsewhere && $(PYTEST) -n 3 --dist loadfile --ignore ../../tests/browser --ignore ../../tests/live/test_soak.py ../../tests
	cd build/elsewhere && $(PYTEST) -n 2 --dist loadfile ../../tests/browser
	cd build/elsewhere && $(PYTEST) ../../tests/live/test_soak.py

# For the inner loop, in less than a minute: what needs no server and no browser, on the tree and not on a wheel. Those
# left out aren't even imported, which takes half a minute.
quick: .venv/ready
	PYTHONPATH=$(CURDIR) $(BIN)/python -m pytest -q -n auto -m "not live and not wheel" \
	  --ignore tests/live --ignore tests/browser tests

# What is promised, how it is tested, and what the tests counted.
promises: test
	$(BIN)/python tests/promises.py docs/promises.md

# The picture of the house and the tables of its files, from the code.
house: .venv/ready
	PYTHONPATH=$(CURDIR) $(BIN)/python tests/house.py docs/architecture.md

# The catalogue of privileges, from the protocol in the installed pymilvus; take the newest one before.
catalogue: .venv/ready
	PYTHONPATH=$(CURDIR) $(BIN)/python -m milvus_magics.wire.regenerate_privileges

lab: .venv/installed
	$(BIN)/jupyter lab notebooks/delete_user.ipynb

bench: .venv/installed
	mkdir -p build
	$(BIN)/python tests/benchmarks/bench.py build/bench.md

# How many functions one verified deletion passes through; LIST=--list shows them.
walk: .venv/ready
	PYTHONPATH=$(CURDIR) $(BIN)/python tests/benchmarks/walk.py $(LIST)

# Four kernels at work on one server for half an hour, and a thousand random sequences of changes, and of faults among many
# users, instead of the fifty of `make test`, other ones each time.
soak: .venv/installed
	mkdir -p build/elsewhere
	$(BIN)/python tests/soak/soak.py 30 build/soak.md
	cd build/elsewhere && SOAK_SEQUENCES=1000 $(PYTEST) ../../tests/live/test_sequences.py ../../tests/test_random_faults.py

# Coverage-guided, SECONDS for each target; needs Python 3.11 or later.
SECONDS ?= 60
fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python tests/fuzzing/fuzz.py $(SECONDS)

# The wheel with old and new versions of what it stands on, and beside pymilvus; the table in README.md. Needs every
# Python from 3.10 to 3.13. ONLY="floors colab" tries some again; the table is of one wheel.
matrix: .venv/installed
	$(BIN)/python -m pip install --quiet --group matrix
	$(BIN)/python tests/matrix/matrix.py build/dist/*.whl README.md $(ONLY)

# What ruff only warns of, such as a `noqa` that it cannot read, is an error here.
lint: .venv/ready
	@! $(BIN)/ruff check --quiet . 2>&1 >/dev/null | grep .
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Known vulnerabilities of what is installed with the package, if the package index tells them;
# what it cannot tell is a failure.
audit: .venv/installed
	$(BIN)/python -m pip install --quiet --group audit
	$(BIN)/python -m pip freeze --exclude milvus-magics > build/installed.txt
	$(BIN)/pip-audit --requirement build/installed.txt --no-deps --disable-pip --strict

# The pictures in README.md, from a real JupyterLab.
picture: .venv/installed chromium
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
	$(BIN)/python -m pip install --quiet '.[bcrypt,embedded,keyring,pandas]' --group dev
	touch $@

# The wheel, made from the source distribution.
.venv/installed: .venv/ready $(SOURCES)
	mkdir -p build && rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist . > build/dist.log || { cat build/dist.log >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall build/dist/*.whl
	touch $@

clean:
	rm -rf .venv build
