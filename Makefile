# Everything runs from a virtual environment in .venv that `make install` makes; nothing is installed elsewhere.

SHELL := /bin/sh
# Compiled modules are kept whatever the machine is set to: every start of a process would compile them anew.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help install demo pictures test test-quick test-thorough test-layouts up down migrate rebuild format check contracts clients docs lint-contracts bench soak clean

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
XUEFEN := $(VENV_PYTHON) -m services.cli.main
# The tests of a file stay together: they share databases and running services.
SIDE_BY_SIDE := -n auto --dist loadfile
PYTHONS := python3.13 python3.12 python3.11 python3.14 python3 python

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make .venv with every dependency, hashes checked (Python 3.11 or newer; instant when done)
	@PYTHONS="$(PYTHONS)" sh deploy/install.sh "$(VENV)"

demo: install ## Play one story for each notice, over HTTP, with real processes
	@$(XUEFEN) demo $(if $(PEOPLE),--people $(PEOPLE))

pictures: install ## Take the pictures of the console in docs/pictures, from a demo with a province of people
	@$(VENV_PYTHON) -m tests.console.pictures

test: install ## Run every test, a process and an embedded PostgreSQL a core
	@$(VENV_PYTHON) -m pytest $(SIDE_BY_SIDE)

test-quick: install ## Run the tests that need no database and start no service
	@$(VENV_PYTHON) -m pytest $(SIDE_BY_SIDE) -m quick

test-thorough: install ## Run the properties and the fuzzer with twenty times as many examples, new ones each time
	@XUEFEN_TEST_THOROUGH=1 $(VENV_PYTHON) -m pytest $(SIDE_BY_SIDE) -m property

test-layouts: install ## Run the ledger's tests again with partitioned tables and with logs on two servers, side by side
	@XUEFEN_TEST_LAYOUT=spread $(VENV_PYTHON) -m pytest -m layout tests/ledger & spread=$$!; \
	XUEFEN_TEST_LAYOUT=partitioned $(VENV_PYTHON) -m pytest -m layout tests/ledger; partitioned=$$?; \
	wait $$spread && exit $$partitioned

up: install ## Start PostgreSQL, the services and the console, and say its address; Ctrl-C stops them
	@$(XUEFEN) up

down: install ## Stop what `make up` started
	@$(XUEFEN) down

migrate: install ## Bring the schemas to the revision of this release
	@$(XUEFEN) migrate

rebuild: install ## Build the read models anew from the log, beside the live ones
	@$(XUEFEN) rebuild

format: install ## Format the code and sort the imports
	@$(VENV_PYTHON) -m ruff format .
	@$(VENV_PYTHON) -m ruff check --fix .

check: install ## Check format, lint and types
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m mypy

contracts: install ## Write schemas, OpenAPI, AsyncAPI and the page of problems under contracts/
	@$(VENV_PYTHON) -m services.cli.contracts

clients: install ## Write the models of the clients from the OpenAPI documents
	@$(VENV_PYTHON) clients/generate.py
	@sh clients/typescript/build.sh "$(abspath $(VENV_PYTHON))"

docs: install ## Build the documentation, offline, into site/
	@$(VENV_PYTHON) -m docs.build

lint-contracts: ## Lint the OpenAPI and AsyncAPI documents (needs Node.js, installs it through apt when it may)
	@sh contracts/lint.sh

bench: install ## Measure against plain PostgreSQL and plain FastAPI, side by side; also written to bench.json
	@$(VENV_PYTHON) -m tests.benchmarks --json bench.json

soak: install ## Keep a steady load up for MINUTES (60) and judge memory, connections and handles of every process
	@$(VENV_PYTHON) -m tests.benchmarks.soak --minutes $(or $(MINUTES),60)

clean: ## Stop everything; delete the environment, the caches and the local database
	@if [ -x $(VENV_PYTHON) ] && [ -d .xuefen ]; then $(XUEFEN) down --delete-data; fi
	@rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
