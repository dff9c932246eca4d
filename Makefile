# make demo: set up and run the main job on drawn images. make test: set up and check everything.
# make fuzz: try ten thousand damaged inputs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fuzz bench bench-distributed clean

DEMO = --results results/demo --storage results/demo/demo.db

demo: $(VENV)/installed
	$(BIN)/bcsearch run --study quickstart $(DEMO) --data demo --test demo-elsewhere --trials 24 --fresh --set params.preprocess=none --set params.image_size=96
	$(BIN)/bcsearch run --study robust $(DEMO) --data demo --test demo-elsewhere --trials 12 --fresh --set params.image_size=96 --set params.views=4
	@echo; echo "Two ways to search, on drawn cells; 'test accuracy' is the truth on cells drawn as another laboratory would see them:"
	@$(BIN)/bcsearch compare quickstart robust $(DEMO) --brief

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

fuzz: $(VENV)/installed
	$(BIN)/python -m tests.fuzz

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

bench-distributed: $(VENV)/installed
	$(BIN)/python -m benchmarks.distributed

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "bcsearch needs Python 3.11 to 3.13"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	touch $@
