# Every target sets up what it needs: a virtual environment with the tested versions.
# On Windows: GNU make (choco install make), in the shell of Git for Windows.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP_INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# nnU-Net brings torchvision along, whose build for another torch breaks whatever imports it.
DROP_TORCHVISION = @$(BIN)/python -c 'import torchvision' 2>/dev/null || $(BIN)/python -m pip uninstall --quiet --yes torchvision

.PHONY: help benchmark test check format speed docs notebooks build clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[dev]'
	$(DROP_TORCHVISION)
	@touch $@

$(VENV)/.installed-peers: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[peers]'
	$(DROP_TORCHVISION)
	@touch $@

benchmark: $(VENV)/.installed ## install, train with and without augmentation, print Dice and the report's path
	$(BIN)/medaug benchmark $(ARGS)

test: $(VENV)/.installed-dev ## install and run all tests, a process a core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.installed-dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

speed: $(VENV)/.installed-peers ## time medaug against its peers on one core
	$(BIN)/python -m speed

docs: $(VENV)/.installed-dev ## build the documentation into build/docs; a warning is an error
	$(BIN)/sphinx-build --fail-on-warning --keep-going --builder html docs build/docs

notebooks: $(VENV)/.installed-dev ## run the notebooks and keep their outputs
	$(BIN)/python -m notebooks

build: $(VENV)/.installed-dev ## build the sdist, and the wheel from it, into dist, and check both
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	MEDAUG_DIST=dist $(BIN)/python -m pytest tests/packaging

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
