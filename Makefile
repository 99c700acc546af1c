# `make chat` and `make test` are all that a newcomer needs; `python app.py` does the last part of `make chat` without make.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: chat test lint types contracts unit lock wheelhouse schema bench-golden bench-metadata bench-first-answer bench-search bench-scale bench-chroma bench-ingest bench-scale-ingest bench-retrieval bench-tools bench-serve bench-page bench-board bench-stance pictures soak clean

chat: $(VENV)/.app
	$(BIN)/python app.py

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.app: $(VENV)/.made requirements.lock pyproject.toml
	$(PIP) install -q -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: $(VENV)/.app requirements-test.lock
	$(PIP) install -q -r requirements-test.lock
	touch $@

$(VENV)/.bench: $(VENV)/.test requirements-bench.lock
	$(PIP) install -q -r requirements-bench.lock
	touch $@

test: $(VENV)/.test lint types contracts unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

contracts: $(VENV)/.test
	$(BIN)/lint-imports

# In a process a core, four at most (each holds a model); a process that is done takes tests that another has not begun.
unit: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

# The golden set, the metadata and the timing on the documents that THESIS_CORPUS names (without it: the sample notes).
bench-golden: $(VENV)/.test
	$(BIN)/python -m benchmarks.golden

bench-metadata: $(VENV)/.test
	$(BIN)/python -m benchmarks.metadata_check

# Search as the base grows. ARGS="--sizes 10000,50000,200000,1000000 --keep DIR"; --source STORE takes real chunks and vectors.
bench-search: $(VENV)/.test
	$(BIN)/python -m benchmarks.search $(ARGS)

# Vectors embedded and on a Chroma server, and many processes on one server. ARGS="--size 50000 --readers 4 --writers 2"
bench-chroma: $(VENV)/.test
	$(BIN)/python -m benchmarks.scale_chroma $(ARGS)

# Past one machine: replicas, ledgers, keyword indexes, load on one base, the Russell 2000 on paper. ARGS="--store DIR --only keyword ledger".
bench-scale: $(VENV)/.test
	$(BIN)/python -m benchmarks.scale $(ARGS)

# Ingest and cold start beside the tutorial's pipeline. ARGS="--files 4" or "--all".
bench-ingest: $(VENV)/.bench
	$(BIN)/python -m benchmarks.ingest $(ARGS)

# Ingest by engine: this machine, Ray; the model alone, and what one base takes in. ARGS="--files 4 --device cuda".
bench-scale-ingest: $(VENV)/.test
	$(BIN)/python -m benchmarks.scale_ingest $(ARGS)

# The tutorial's pipeline and ours on the same files and questions, and what each part of ours adds. ARGS="--quick --store DIR".
bench-retrieval: $(VENV)/.bench
	$(BIN)/python -m benchmarks.retrieval $(ARGS)

# Damaged claims caught by the check, and right ones doubted.
bench-grounding: $(VENV)/.test
	$(BIN)/python -m benchmarks.grounding

# 100 people who signed in, each asking every 10 to 20 seconds. ARGS="--store DIR --people 100 --seconds 300".
bench-serve: $(VENV)/.test
	$(BIN)/python -m benchmarks.serve $(ARGS)

# How fast the page is in a browser: first paint, when it can be used, answers in a short and in a long conversation.
bench-page: $(VENV)/.test
	$(BIN)/python -m benchmarks.page

# The pictures of docs/page.md, taken in a browser from the sample notes.
pictures: $(VENV)/.test
	$(BIN)/python tests/browser/pictures.py

# Which tools a question calls without a model, on the labelled questions. ARGS="FILE.jsonl --store DIR -v".
bench-tools: $(VENV)/.test
	$(BIN)/python -m benchmarks.tools $(ARGS)

# The catalyst board: ten catalysts over 2,000 documents, cold, warm, and after one new document. ARGS="--source STORE".
bench-board: $(VENV)/.test
	$(BIN)/python -m benchmarks.board $(ARGS)

# The stance of a sentence to a catalyst, on the labelled sentences of the documents in THESIS_CORPUS. ARGS="--left-out", ARGS=--kept.
bench-stance: $(VENV)/.test
	$(BIN)/python -m benchmarks.stance $(ARGS)

# What the store survives: kills, full disks, little memory, copies, readers and writers at once, hostile files.
# ARGS="--only kills --kills 20".
soak: $(VENV)/.test
	$(BIN)/python -m benchmarks.soak $(ARGS)

# From a clean clone to the first answer, in seconds.
bench-first-answer: $(VENV)/.test
	$(BIN)/python -m benchmarks.first_answer

# The JSON Schemas of Answer and ToolResult, from the models.
schema: $(VENV)/.test
	$(BIN)/python -m benchmarks.schema

# Pin everything again (needs a package index; uv resolves for all systems at once).
lock: $(VENV)/.made
	$(PIP) install -q uv
	$(BIN)/python -m benchmarks.lock

# Everything that an install needs, in one folder, for a machine without a network.
wheelhouse: $(VENV)/.made
	$(PIP) download -q -d wheelhouse -r requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info
