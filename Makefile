# Everything runs out of .venv; `make setup` makes it. Nothing here needs Docker.
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
# More than there are cores: the tests mostly wait, for processes to start and for each other.
XDIST  ?= -n 3
# The ends of the allowed range of mitmproxy versions, each in a folder of its own beside the venv's.
CONTRACT := $(wildcard tests/contract/mitmproxy-*.txt)

# Where the environment forbids bytecode (containers often do) every process would compile SQLAlchemy and mitmproxy
# again: seconds each, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test lint bench up lock clean

setup: $(STAMP)

# A fresh machine may have an older python3 than ours; tools/find-python looks for 3.13, then 3.12, and fetches one
# with uv when there is none.
$(STAMP): pyproject.toml requirements.txt tools/find-python $(CONTRACT)
	$$(tools/find-python) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	for pins in $(CONTRACT); do \
	  $(BIN)/python -m pip install --quiet --require-hashes --no-deps --upgrade \
	    --target $(VENV)/contract/$$(basename $$pins .txt) -r $$pins || exit 1; \
	done
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python -m entrepot_api.demo

up: $(STAMP)
	$(BIN)/entrepot up --data entrepot-data

test: $(STAMP)
	$(BIN)/python -m pytest $(XDIST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Rewrites requirements.txt from pyproject.toml; no index lines, so that it installs from whatever registry pip knows.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header \
	  --group dev pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header \
	  --constraint requirements.txt pyproject.toml -o requirements-runtime.txt

clean:
	rm -rf $(VENV) build dist
