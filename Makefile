# Everything a checkout can do. `make` alone lists it.
#
# The virtual environment lies in .venv and is made on first use; packages come from wherever pip
# is set up to find them. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARITY := .venv-parity
BENCHES := index reindex search cold

.DEFAULT_GOAL := help
.PHONY: help demo test check lint docs screenshots bench parity clean

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Index real photos, search them in English and Chinese, check the hits.
	$(BIN)/python demo/run.py

# A file stays with one process: what its tests share is made once. More processes than four would
# fight over memory, as some serve, index and train; torch with threads in each, over cores.
test: $(VENV)/.dev  ## Run the tests, on all cores.
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: lint test  ## Run all that CI runs: formatting, lint, types, layers, docs, tests.

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy demo docs/write_cli.py docs/screenshots.py recipes/mini
	$(BIN)/lint-imports
	$(BIN)/python docs/write_cli.py --check

docs: $(VENV)/.dev  ## Write the help pages into docs/cli.md.
	$(BIN)/python docs/write_cli.py

screenshots: $(VENV)/.dev  ## Take the pictures of the page anew; needs Chromium.
	$(BIN)/python docs/screenshots.py

bench: $(VENV)/.dev  ## Measure speed beside peers; one bench: make bench BENCHES=cold.
	@for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py || exit 1; done

parity: $(PARITY)/.installed  ## Compare with torch, open_clip and transformers; minutes, 1 GB.
	$(PARITY)/bin/python tests/parity/make_golden.py --check

clean:  ## Remove the virtual environments, caches and the demo's library.
	rm -rf $(VENV) $(PARITY) demo-library build dist .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find src tests bench demo docs -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "soutu needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." >&2; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps say for which pyproject.toml (and .proto, which the build turns into code) the packages were installed. `dev` holds all of `demo`.
$(VENV)/.dev: $(BIN)/python pyproject.toml hatch_build.py src/soutu/web/rpc/soutu.proto
	@echo "Installing soutu and its tools into $(VENV); the first time takes a few minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.demo $@

$(VENV)/.demo: $(BIN)/python pyproject.toml hatch_build.py src/soutu/web/rpc/soutu.proto
	@echo "Installing soutu into $(VENV); the first time takes a minute or two."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

# open_clip comes without its dependencies: they include torchvision, which has a stand-in.
$(PARITY)/.installed: $(BIN)/python tests/parity/requirements.txt
	@echo "Installing torch, transformers and open_clip into $(PARITY); this takes minutes."
	@$(BIN)/python -m venv $(PARITY)
	@$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/parity/requirements.txt
	@$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		open_clip_torch==3.3.0
	@touch $@
