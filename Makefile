# make demo | corpora | systems | learning | docs | test | test-faults | test-cluster | check | bench | test-backends | clean
# Everything runs in .venv, which is made once and made again when pyproject.toml or constraints.txt change.
# `python -m venv` and pip are all that is needed; PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= .venv-backends
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo corpora systems learning docs test test-faults test-cluster check bench test-backends clean env

env: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "weft wants Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(BIN)/weft demo --out demo

# the four systems in small on embedded backends: built, audited, and how long that took
corpora: $(READY)
	$(BIN)/python benchmarks/corpora.py corpora

# the four systems in small, trained through all their stages on those corpora: one table of every stage's evaluation
systems: $(READY)
	$(BIN)/python benchmarks/systems.py corpora

# what training teaches, in small, three seeds each: interleaving, adaptors, preferences, rewards, ratios
learning: $(READY)
	$(BIN)/python benchmarks/learning/run.py

# docs/recipes.md, read off the schemas; docs/tasks.md, from the golden samples; docs/rooms.md, from the imports
docs: $(READY)
	$(BIN)/python -m weft.jobs.reference
	$(BIN)/python tests/golden/page.py
	$(BIN)/python -m tests.rooms_page

test: $(READY)
	$(BIN)/python -m pytest -q --durations=10 -m "not cluster and not nodes and not backends and not faults"

# every kind of damage to every kind of file of a corpus: found by the audit, mended by a build
test-faults: $(READY)
	$(BIN)/python -m pytest -q -m faults tests/jobs

# Ray clusters of several unequal nodes on this machine: placing, lost nodes, killed workers
test-cluster: $(READY)
	$(BIN)/python -m pytest -q --durations=10 -m nodes tests/jobs

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@# mypy wants to see the package and its tests under their names
	@mkdir -p $(VENV)/src && ln -sfn "$(CURDIR)" $(VENV)/src/weft && ln -sfn "$(CURDIR)/tests" $(VENV)/src/tests
	cd $(VENV)/src && ../bin/mypy -p weft -p tests --config-file "$(CURDIR)/pyproject.toml" --cache-dir "$(CURDIR)/.mypy_cache"

bench: $(READY) $(BACKENDS)/ready
	BACKENDS=$(BACKENDS) $(BIN)/python benchmarks/run.py

# what needs more than this process and its children: a Ray head with token authentication, and the heavy backends
test-backends: $(READY) $(BACKENDS)/ready
	$(BIN)/python -m pytest -q -m cluster tests/jobs
	$(BACKENDS)/bin/python -m pytest -q -m backends tests/backends

# 2 GB: WhisperX and s3tokenizer without what they pin, beside a torch that runs on the CPU
$(BACKENDS)/ready: pyproject.toml constraints.txt backends.txt
	$(PYTHON) -m venv $(BACKENDS)
	$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0"
	$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r backends.txt
	$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "whisperx==3.8.6" "s3tokenizer==0.3.0"
	$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) $(BACKENDS) demo corpora bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
