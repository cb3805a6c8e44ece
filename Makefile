# The two commands: `make demo` and `make test`. Both install what they need into .venv first.
.DELETE_ON_ERROR:
.PHONY: demo test chromium check-wheel lint docs peers install install-dev lock clean
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
WORKERS ?= 2

# Installs nothing where everything is there; as root adds what is missing, else names it.
define require_python
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing python3 and python3-venv ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3 python3-venv; \
	    $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || { \
	      echo "WorkQueue needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12" >&2; exit 1; }; \
	  else \
	    echo "WorkQueue needs Python 3.11 or newer with its venv module." >&2; \
	    echo "As root: apt-get install python3 python3-venv   (or: make PYTHON=python3.12)" >&2; exit 1; \
	  fi; }
endef

demo: install
	@$(BIN)/workqueue demo

test: install-dev chromium lint check-wheel
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

# The browser of the tests; they say so themselves where it is missing and nobody may install it.
chromium:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium ..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium >/dev/null; \
	else \
	  echo "Chromium is missing: tests in the browser are skipped. As root: apt-get install chromium" >&2; \
	fi

# The built wheel, installed in a clean environment, sets up a database and answers.
check-wheel: install-dev
	@rm -rf build/wheel && mkdir -p build/wheel
	@$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w build/wheel .
	@$(PYTHON) -m venv build/wheel/env
	@build/wheel/env/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@build/wheel/env/bin/python -m pip install -q --disable-pip-version-check --no-deps build/wheel/*.whl
	@program="$$PWD/build/wheel/env/bin/workqueue"; home=$$(mktemp -d) && cd / && \
	  WORKQUEUE_HOME="$$home" "$$program" migrate && \
	  WORKQUEUE_HOME="$$home" "$$program" doctor; status=$$?; rm -rf "$$home"; exit $$status
	@rm -rf build/wheel

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What the benchmark of duplicates compares with, apart from all else: it wants an older pandas.
peers: build/peers/bin/recordlinkage

build/peers/bin/recordlinkage:
	@$(PYTHON) -m venv build/peers
	@build/peers/bin/python -m pip install -q --disable-pip-version-check "recordlinkage==0.16" "pandas<3"
	@touch $@

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(require_python)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml $(VENV)/bin/python
	@echo "Installing WorkQueue into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# The parts of the README that are generated from the code.
docs: install-dev
	$(BIN)/python -m tests.readme_sections

# For maintainers, after a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile -q pyproject.toml --group build --universal --python-version 3.11 \
	  --generate-hashes --no-header -o requirements.lock
	uv pip compile -q pyproject.toml --group build --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
