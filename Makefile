# Every target sets itself up first and says what it is doing. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup run demo test soak check bench bench-identity conformance lock clean

PY := .venv/bin/python
# For the tests the locked tools come first: Node.js, npm and the command line are in the virtual environment. Not for
# `make run`: it prints commands for another terminal, whose PATH is the user's own.
test soak check bench bench-identity conformance lock: export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything that running, testing and checking need
	@tools/setup test

run: ## the whole embedded stack with live data: addresses and a ready user are printed
	@tools/setup run
	@exec .venv/bin/cadenza up $(ARGS)

demo: ## the whole flow of the mission on free ports, each step checked
	@tools/setup run
	@exec .venv/bin/cadenza demo $(ARGS)

test: ## every test, a real browser and Node included
	@tools/setup test
	@exec $(PY) -m pytest $(ARGS)

soak: ## every race, every kill and every measured answer time, ten times as often as in the tests
	@tools/setup test
	@SOAK=full exec $(PY) -m pytest tests/soak $(ARGS)

check: ## formatting, types, import rules, generated pages, audits
	@tools/setup test
	@exec tools/check

bench: ## the hot paths, measured beside their peers in one run
	@tools/setup test
	@exec $(PY) -m benchmarks $(ARGS)

bench-identity: ## the identity provider, beside the real Supabase Auth by SUPABASE_AUTH_BIN
	@tools/setup test
	@exec $(PY) -m benchmarks --identity $(ARGS)

conformance: ## the contract suite over every stack; the real programs by CENTRIFUGO_BIN and SUPABASE_AUTH_BIN
	@tools/setup test
	@exec $(PY) -m tests.contract $(ARGS)

lock: ## resolve the lock files anew, without addresses
	@tools/setup test
	@exec tools/lock

clean: ## remove what the set-up made
	rm -rf .venv tests/js/node_modules
