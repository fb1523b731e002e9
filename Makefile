# Every target sets up .venv first: minutes the first time, nothing after that.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help demo test heavy check docs browser soak lab models clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## four expressions over sample pictures, as cards in demo.html
	$(BIN)/zcalc demo --html demo.html

test: $(READY)  ## the tests, offline, without the heavy ones
	$(BIN)/pytest -m 'not heavy'

heavy: $(READY)  ## the heavy tests: Ray, Milvus, a browser if Chromium is installed
	$(BIN)/pytest -m heavy --durations=10

check: $(READY)  ## all checks: format, lint, types, tests, heavy tests, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test
	$(MAKE) heavy
	$(MAKE) docs

docs: $(READY)  ## the documentation site in site/; fails on a broken link
	$(BIN)/mkdocs build --strict

browser: $(READY)  ## the widgets in JupyterLab and Chromium; saves screenshots/
	$(BIN)/pytest -m browser

soak: $(READY)  ## property tests and kill tests with larger figures (half an hour)
	ZCALC_SOAK=1 $(BIN)/pytest tests/test_language.py tests/test_program.py \
	  tests/test_algebra.py tests/test_decode.py tests/test_decode_exact.py \
	  tests/test_index_store.py tests/test_index_structure.py tests/test_index_build.py \
	  tests/test_index_kill.py

lab: $(READY)  ## JupyterLab with the notebooks
	$(BIN)/zcalc lab notebooks

models: $(READY)  ## rebuild the bundled models (OPTIONS="--captions FILE --keep language_model …")
	$(BIN)/python -m tools.mini $(OPTIONS)
	$(BIN)/python -m tools.mini.vectors

clean:  ## remove .venv and everything that was built
	rm -rf $(VENV) demo.html dist site

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "zcalc needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip  # old ones reject constraints with extras
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@
