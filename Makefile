# Every target in one sentence: run `make` alone.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
OHIF := .venv/ohif/obtained
NPM = $$(command -v npm || echo $(CURDIR)/$(BIN)/npm)

.PHONY: help install demo demo-full start test screenshots translations bench faults test-packages lock clean

help: ## Print every target in one sentence.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

install: .venv/installed ## Make .venv with the pinned, hashed packages and the npm assets below it.

# What runs until it is stopped replaces the shell: make passes SIGTERM to its child, a shell would not.
demo: install ## Start everything with made-up patients and print one link for each demo person (Ctrl-C stops it).
	@exec $(BIN)/python -m preview.demo

demo-full: install $(OHIF) ## Start the demo with a real Orthanc and the real OHIF to read in (as root or with sudo).
	@preview/demo/debian-packages orthanc orthanc-dicomweb gcc libc6-dev
	@exec $(BIN)/python -m preview.demo --full

start: install ## Start the application itself with your preview.toml (Ctrl-C stops it).
	@exec $(BIN)/python -m preview.processes start -c finder=3 redis web finder worker reconciler prober receiver

test: install .venv/tested $(OHIF) test-packages ## Run ruff, mypy and every test against the real parts.
	$(BIN)/ruff check .
	$(BIN)/mypy
# Many tests hold a bound in seconds; one that missed it beside a busy neighbour is run once more, alone.
	$(BIN)/pytest || $(BIN)/pytest -n 0 --last-failed --last-failed-no-failures none

screenshots: install .venv/tested test-packages ## Take the demo's pages in their states, both themes, wide and narrow, into var/screens (and the README's).
	PYTHONPATH=.:tests $(BIN)/python -m screenshots

translations: install .venv/tested ## Put new sentences into each language's file, and list what is still to be translated.
	PYTHONPATH=.:tests $(BIN)/python -m translations

bench: install .venv/tested test-packages ## Print the figures: speed and memory, each beside what a user would do instead.
	PYTHONPATH=.:tests $(BIN)/python -m bench

faults: install .venv/tested test-packages ## Break every part while studies are fetched, alone and at random; print what became of them.
	PYTHONPATH=.:tests $(BIN)/python -m faults

test-packages: ## Install the Debian packages that only the tests need (as root or with sudo).
	@tests/debian-packages

lock: ## Pin the newest allowed packages with their hashes (for whoever changes the dependencies).
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra test -c requirements.txt pyproject.toml -o requirements-test.txt
	npm install --package-lock-only --ignore-scripts

clean: ## Remove .venv and everything the demo and the tests made.
	rm -rf .venv var

.venv/installed: requirements.txt requirements-node.txt package.json package-lock.json pyproject.toml
	@echo "Downloads about 100 MB (160 MB where there is no npm) and takes a few minutes; .venv is then 400 MB (600 MB)."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -rf imaging_preview.egg-info build
	@command -v npm >/dev/null || $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-node.txt
	@mkdir -p .venv/npm && cp package.json package-lock.json .venv/npm/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci --omit=dev --silent --ignore-scripts --no-audit --no-fund --prefix .venv/npm
	@touch $@

.venv/tested: .venv/installed requirements-test.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-test.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci --silent --ignore-scripts --no-audit --no-fund --prefix .venv/npm
	@touch $@

$(OHIF): .venv/installed preview/demo/viewer/ohif.pin
	@$(BIN)/python -m preview.demo.viewer.ohif
	@touch $@
