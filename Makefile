# Two commands: `make run` and `make test`. What takes more than three lines is in setup.sh.

DEMO ?= demo
PORT ?= 8080
BENCH_PORT ?= 8081
ONLY ?=
MINUTES ?= 60

python := .venv/bin/python

.PHONY: help run test check setup bench soak clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 15

run: ## the simulated cabinet: touchscreen and bench (DEMO=folder PORT=8080 BENCH_PORT=8081)
	@./setup.sh run
	@exec setpriv --pdeathsig TERM -- $(python) -m sim run --folder "$(DEMO)" \
		--port "$(PORT)" --bench-port "$(BENCH_PORT)"

test: ## make check, then every test, the browser's too
	@./setup.sh tests
	@$(MAKE) --no-print-directory check
	@timeout --signal=INT 45m $(python) -m pytest -q -n 3 --second-chance -raR

check: ## ruff, mypy, and the rules on imports and on the tree
	@./setup.sh run
	@.venv/bin/ruff check --quiet . && .venv/bin/ruff format --quiet --check . && .venv/bin/mypy
	@$(python) -m pytest -q tests/test_imports.py tests/test_tree.py

setup: ## .venv with the locked packages, and what the tests need of Debian
	@./setup.sh tests

bench: ## measure; a table and build/bench.json (ONLY=name for one figure)
	@./setup.sh tests
	@timeout --signal=INT 12m $(python) -m tests.bench $(if $(ONLY),--only "$(ONLY)")

soak: ## simulate seed after seed for MINUTES=60; what is found is in build/soak.jsonl
	@./setup.sh tests
	@$(python) -m sim --soak "$(MINUTES)"

clean: ## remove what was made, but not the demo cabinet
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
