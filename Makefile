# What people and CI run; `make` lists it.
.DEFAULT_GOAL := help
.PHONY: help setup check lint test test-rest languages sdks plugin-archive test-matrix demo demo-broken clients axe pictures bench soak mutants types lock audit dist clean

# The clone's own Pulumi CLI, if set-up had to make one, comes before any other.
export PATH := $(CURDIR)/.toolchain/bin:$(PATH)
BIN := .venv/bin
PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.10)
# Most engine tests wait: so there are more workers than a small machine has cores.
WORKERS := 6
# A worker that has nothing left takes over from one that has: single tests take minutes.
TESTS := $(BIN)/pytest -n $(WORKERS) --dist worksteal
# Where it is set, as in many containers, every process of the engine would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  WORKERS=8                   test with so many processes side by side (6)"
	@echo "  PYTHON=python3.12           set up with this Python (3.10 to 3.13)"
	@echo "  PULUMI_FROM=path            take the Pulumi CLI from PATH and nowhere else;"
	@echo "             =installer       ... from the vendor's installer;"
	@echo "             =source          ... from Go modules, built here (7 to 20 minutes, 6 GB of disk meanwhile)"

setup: ## .venv and a Pulumi CLI; instant when they are there
	@for python in $(PYTHONS); do \
	    "$$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	        && exec "$$python" tools/setup.py; \
	done; \
	echo 'setup: Python 3.10 to 3.13 is needed, and none of these is one:' $(PYTHONS) >&2; \
	echo 'setup: install one with its venv (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install' \
	    'python@3.13) or name one: make setup PYTHON=/path/to/python3.12' >&2; \
	exit 1

check: setup ## ruff, format, mypy, import-linter; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: setup ## fix what ruff can fix, format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: setup ## every behaviour, on the real Pulumi engine, too (six minutes on two cores)
	$(TESTS) -m "not rest"

test-rest: setup ## variants of what `make test` has: other credentials, languages, sizes, random kills (11 to 18 minutes)
	$(TESTS) -m rest

test-matrix: setup ## reader, gate, command and emulator on every Python with lowest and newest packages; the engine on the outermost two
	@$(BIN)/nox || { echo "test-matrix: not all passed. A Python that was not found: install it, with its venv, so that" \
	    "python3.10 (or .11, .12, .13) starts it (pyenv: pyenv install 3.10, then pyenv global 3.13 3.12 3.11 3.10)" >&2; exit 1; }

demo: setup ## watch a gate hold and release a deployment, on an offline Azure
	$(BIN)/python -m tools.demo

demo-broken: setup ## watch gates that do not pass, and what they say
	$(BIN)/python -m tools.demo broken

languages: setup ## what the tests of TypeScript and Go programs need (asks npm and Go's proxy once; 5 to 15 minutes)
	$(BIN)/python -m tools.hosts

sdks: setup ## the SDKs of TypeScript, Go and C# anew, from the schema, and that from the code (5 to 10 minutes the first time)
	$(BIN)/python -m pulumi_vmss_health.plugin.schema
	$(BIN)/python -m tools.hosts sdks

plugin-archive: setup ## the plugin for this system into dist/, its Python included: for people without Python (asks PyPI)
	$(BIN)/nox --session archive

clients: setup ## az and Azure's SDKs for Python, JavaScript, Go and Java on the offline Azure (asks their registries once)
	$(BIN)/python -m tests.emulator.clients

axe: setup ## an accessibility checker on the report, in a headless Chromium (asks npm once)
	npm install --silent --no-fund --no-audit --prefix .clients/axe axe-core@4.14.1
	$(TESTS) -m axe tests/reporting

pictures: setup ## the pictures of the documents, from demonstrations as they run (seven minutes)
	$(BIN)/python -m tools.pictures

bench: setup ## the whole suite beside az and others, into docs/performance.md (fifteen minutes; QUICK=1: two, to try it out)
	$(BIN)/python -m benchmarks $(if $(QUICK),quick)

soak: setup ## many more generated histories, waits, inputs and crashes than `make test` (a night)
	HISTORIES=200000 CRASHES=40 WAITS=all FUZZ=4000 REQUESTS=2600 $(TESTS) --timeout 0 tests/gate/test_histories.py \
	    tests/gate/test_evidence.py tests/gate/test_metered_waits.py tests/engine/test_crash.py tests/engine/test_quota.py \
	    tests/provider/test_fuzz.py tests/emulator/test_generated_requests.py

mutants: setup ## change verdicts and waits in 2,700 small ways: does a test notice each? (twenty minutes)
	$(BIN)/nox --session mutants

types: setup ## does pyright, too, know the type of everything public? (280 MB)
	$(BIN)/python -m tools.public_types

lock: setup ## renew the requirements files, with hashes, from pyproject.toml
	$(BIN)/python -m tools.lock

audit: setup ## does a known vulnerability concern what is locked? (asks PyPI)
	$(BIN)/nox --session audit

dist: setup ## wheels, source distributions and SBOMs of both distributions into dist/
	rm -rf dist
	$(BIN)/uv build --no-build-isolation --python $(BIN)/python --out-dir dist
	$(BIN)/uv build --no-build-isolation --python $(BIN)/python --out-dir dist emulator
	$(BIN)/nox --session sbom

clean: ## remove what set-up and tests made in this clone
	chmod -R u+w .toolchain 2>/dev/null || true
	rm -rf .venv .toolchain .nox .clients .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
