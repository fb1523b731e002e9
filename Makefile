# Every target makes its own environment first; a second run starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check browser soak lab models clean

demo: $(READY)  ## four expressions over sample photographs, cards in demo.html
	$(BIN)/zcalc demo --html demo.html

test: $(READY)  ## the whole suite, offline
	$(BIN)/pytest

check: $(READY)  ## format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

browser: $(READY)  ## the widgets in a real JupyterLab and Chromium; leaves screenshots/
	ZCALC_BROWSER=1 $(BIN)/pytest tests/browser

soak: $(READY)  ## the reliability checks with their larger figures (half an hour)
	ZCALC_SOAK=1 $(BIN)/pytest tests/test_language.py tests/test_program.py \
	  tests/test_algebra.py tests/test_decode.py tests/test_decode_exact.py \
	  tests/test_index_store.py tests/test_index_structure.py tests/test_index_build.py \
	  tests/test_index_kill.py

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/zcalc lab notebooks

models: $(READY)  ## rebuild the embedded models (says first what it installs and how long it takes)
	$(BIN)/python -m tools.mini
	$(BIN)/python -m tools.mini.vectors

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "zcalc needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip  # old ones fail on constraints of extras
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo.html dist
