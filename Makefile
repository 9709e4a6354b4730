# Everything starts here, from a bare clone: Python >= 3.11, git and make are enough.
# The environment is made by the first target that needs it, and again when the lock file changes.

PYTHON ?= python3
UV_VERSION := 0.13.9
CYCLONEDX_VERSION := 7.5.0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
PYTEST_ARGS ?=
TEST_WORKERS ?= 2
BENCH_ARGS ?=
FUZZ_ARGS ?= --seconds 30
MUTATE_ARGS ?=
KILL_ARGS ?=
SEEDS ?= 1-
SIMULATE_ARGS ?=
CHAOS_ARGS ?=

# What shoal loads is compiled where one waits anyway, and not silently at its first start. (uv would
# compile all that the tools bring along as well, which takes longer than it saves.)
LOAD := 'import shoal.composition.engine, shoal.composition.serving, shoal_clusters.demo.playing; \
  from shoal.composition.loading import load_plugins; load_plugins()'

# uv stays inside this folder, and never brings a Python of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Trust what git and pip trust: a company's own authority is known to the system only.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help install docs demo tour test test-versions coverage lint fuzz mutate kill-steps worker wheel sbom bench bench-counts clean simulate chaos

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make the environment; afterwards shoal is .venv/bin/shoal

demo: $(STAMP) ## Three clusters, a fleet in Git, and a live view; Ctrl-C ends all of it
	@$(BIN)/shoal demo

tour: $(STAMP) ## Play the demo by itself; every step is asserted and timed
	@$(BIN)/shoal demo --play

# A file stays in one process, so that what its tests share is made once.
test: $(STAMP) ## Run the whole test suite, in two processes (TEST_WORKERS)
	@$(BIN)/pytest --numprocesses $(TEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

test-versions: $(STAMP) ## Run what touches real API servers on the oldest and the newest version
	@$(BIN)/python -m tests.versions $(PYTEST_ARGS)

coverage: $(STAMP) ## Run the suite and show which lines it never reached
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

lint: $(STAMP) ## Check style, types and the layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports

fuzz: $(STAMP) ## Give odd texts to all parsers, and to Kubernetes' YAML reader too (a minute; FUZZ_ARGS)
	@nice -n 10 $(BIN)/python -m tests.fuzzing $(FUZZ_ARGS)
	@nice -n 10 $(BIN)/python -m tests.rendering.fuzz $(FUZZ_ARGS)

# One order of sets in all processes: a mutant fares the same each time.
mutate: $(STAMP) ## Change the pure modules, one place at a time: do tests notice? (MUTATE_ARGS for less)
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.mutating $(MUTATE_ARGS)

kill-steps: $(STAMP) ## Kill a controller at every step of its work (20 minutes; KILL_ARGS for less)
	@$(BIN)/python -m tests.killing $(KILL_ARGS)

simulate: $(STAMP) ## Run the engine in virtual time under faults, by seed (SEEDS=1-400, or 10,000 cluster-hours)
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) \
	  $(or $(SIMULATE_ARGS),$(if $(filter 1-,$(SEEDS)),--cluster-hours 10000))

chaos: $(STAMP) ## Break servers, networks, disk and Git under a controller (10 minutes; CHAOS_ARGS)
	@$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

worker: $(STAMP) ## Build the render worker into build/, for a wheel that brings it along
	@$(BIN)/python plugins/render-worker/build.py

# With the exact versions and hashes of all that it needs beside it: an image installs no others.
wheel: worker ## Build a wheel with the worker, and requirements.txt, into dist/
	@rm -rf dist
	@.uv/venv/bin/uv build --quiet --wheel
	@.uv/venv/bin/uv export --quiet --frozen --no-dev --no-emit-project -o dist/requirements.txt >/dev/null

# By CycloneDX: name, version and hash of all that a wheel and an image bring along.
sbom: wheel ## List what the wheel needs, as dist/sbom.json
	@.uv/venv/bin/uv tool run --quiet --from cyclonedx-bom==$(CYCLONEDX_VERSION) cyclonedx-py \
	  requirements dist/requirements.txt --pyproject pyproject.toml --output-reproducible --validate \
	  -o dist/sbom.json

bench: $(STAMP) ## Measure every row beside a bare client (half an hour; BENCH_ARGS for less)
	@$(BIN)/python -m bench $(BENCH_ARGS)

# Counts do not depend on the machine, and hardly on the size: a small fleet guards them.
bench-counts: $(STAMP) ## Guard the bench's counts on a small fleet (2 minutes); times are not judged
	@$(BIN)/python -m bench --counts --clusters 2 --applications 5 --objects 10 --repeats 1 \
	  --quiet-seconds 15 --rows cold change drift prune restart growth noop \
	  --output build/bench-counts.json

docs: $(STAMP) ## Build the documentation site into build/site; a broken link fails it
	@.uv/venv/bin/uv sync --quiet --frozen --inexact --group docs --python .uv/venv/bin/python
	@$(BIN)/zensical build --clean --strict
	@! grep -rlE "<(script|link|img)[^>]+(src|href)=.?https?:" build/site --include=*.html \
	  || { echo "error: the site would fetch from elsewhere, see the pages above" >&2; exit 1; }

clean: ## Remove the environment and all caches of this folder
	rm -rf $(VENV) .uv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.uv/$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "  next: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $$(command -v $(PYTHON)) cannot make environments: its venv or ensurepip is missing" >&2; \
	  echo "  next: install it (on Debian and Ubuntu: apt install python3-venv), then run make again" >&2; \
	  exit 1; }
	@echo "making the environment in .venv, once" >&2
	@rm -rf .uv
	@$(PYTHON) -m venv .uv/venv
	@.uv/venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(STAMP): .uv/$(UV_VERSION) pyproject.toml uv.lock
	@.uv/venv/bin/uv sync --quiet --frozen --python .uv/venv/bin/python
	@$(BIN)/python -c $(LOAD)
	@touch $@
