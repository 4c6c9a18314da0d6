# Every target sets up what it needs; the first run installs, later ones start at once.
VENV := .venv
PY := $(VENV)/bin/python
WORKERS ?= 2
# Servers of npm's that tests start, and a browser with the rules that the page is held to in it; where there is no npm
# their tests skip, saying so.
NPM_TOOLS := azurite@3.37.0 @sparticuz/chromium@153.0.0 axe-core@4.14.1
# The real harnesses, put into the user's cache: those that every change is tried with, and the rest.
HARNESSES := claude-code codex opencode pi
MORE_HARNESSES := gemini goose
# npm and Node come with the tests' packages; a machine's own are used first.
export PATH := $(PATH):$(abspath $(VENV)/bin)
# Pulumi's engine for the tests that drive it: built from its Go module where no `pulumi` is on PATH.
ENGINE_VERSION := v3.250.0
ENGINE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/unmoor/engine/$(ENGINE_VERSION)/pulumi
# Some environments forbid Python to write bytecode; the tests would compile themselves in every process.
unexport PYTHONDONTWRITEBYTECODE
# setuptools warns at length that an editable install is editable.
PIP := PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --disable-pip-version-check

# The first target, so `make` alone runs it: it lists the targets that have a `## ` comment.
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-16s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: help demo test test-unit test-all test-docker test-harnesses engine check docs bench golden clean

demo: $(VENV)/.ready  ## compile every example for every target, then run one agent here
	@$(VENV)/bin/unmoor compare examples/02-issue-triage
	@$(PY) scripts/demo.py
	@printf '\nOne run of examples/01-hello on this machine, with no Docker, account or engine:\n'
	@$(VENV)/bin/unmoor dev examples/01-hello --once "Good morning"

test: $(VENV)/.ready .cache/npm/.ready engine  ## run the tests that every change must pass
	@$(PY) -m unmoor.runtime.harness $(HARNESSES)
	@$(PY) -m pytest -n $(WORKERS) --dist worksteal -m "not harness and not docker"

test-unit: $(VENV)/.ready  ## run the fast tests only
	$(PY) -m pytest -n $(WORKERS) --dist worksteal \
	  -m "not slow and not process and not wheel and not harness and not docker and not browser and not engine"

test-all: $(VENV)/.ready .cache/npm/.ready engine check  ## run every test and every check
	@$(PY) -m unmoor.runtime.harness $(HARNESSES) $(MORE_HARNESSES)
	UNMOOR_ALL_KNOBS=1 $(PY) -m pytest -n $(WORKERS) --dist worksteal

# What the nightly workflow runs: every harness itself, every failure and every feature.
test-harnesses: $(VENV)/.ready  ## run every harness through every failure and feature; about three minutes
	@$(PY) -m unmoor.runtime.harness $(HARNESSES) $(MORE_HARNESSES)
	$(PY) -m pytest -n $(WORKERS) --dist worksteal -m harness

# Builds the shipped image with each harness and runs it as a target does, and deploys agents onto Docker, by ssh, and onto
# a machine that is rebooted. As root on Debian it installs and starts the engine where there is none.
test-docker: $(VENV)/.ready engine  ## build the image and deploy to Docker, over SSH, and to a machine that loses power
	@sh scripts/install_docker.sh
	$(PY) -m pytest -n 0 -m docker tests/docker

# Takes three minutes the first time; a build that fails or is cut off leaves nothing behind, and the tests that need it skip.
engine:  ## build Pulumi's command for the engine tests, if none is on PATH
	@sh scripts/build_engine.sh $(ENGINE_VERSION) "$(ENGINE)"

check: $(VENV)/.ready  ## run ruff and pyright
	$(VENV)/bin/ruff check src stacks targets tests scripts
	$(VENV)/bin/ruff format --check src stacks targets tests scripts
	$(VENV)/bin/pyright

golden: $(VENV)/.ready  ## rewrite the golden graphs
	$(PY) -m pytest -q tests/test_golden.py --update-golden

docs: $(VENV)/.ready  ## generate and build the docs
	$(PY) scripts/docs.py
	$(PY) scripts/picture.py
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

bench: $(VENV)/.ready  ## measure speed and memory against their goals
	@for bench in tests/bench/*bench.py; do $(PY) $$bench || exit 1; done

# Strict links, so that a type checker finds unmoor.targets and unmoor.stacks; a new file needs a new link.
$(VENV)/.ready: $(VENV)/.installed $(shell find src stacks targets -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*')
	@$(PIP) --no-deps --no-build-isolation --editable . --config-settings editable_mode=strict
	@$(PY) -m compileall -q build/__editable__*
	@touch $@

$(VENV)/.installed: pyproject.toml
	@echo "setting up $(VENV): a minute or two, once"
	@python3 -m venv $(VENV)
	@$(PIP) --upgrade "pip>=25.1" "setuptools>=77" wheel
	@$(PIP) --editable ".[all]" --group test --group check --group docs
	@touch $@

.cache/npm/.ready: Makefile scripts/unpack_browser.mjs
	@mkdir -p .cache/npm
	@if npm install --silent --no-audit --no-fund --prefix .cache/npm $(NPM_TOOLS) \
	  && node scripts/unpack_browser.mjs .cache/npm; then touch $@; \
	else echo "npm did not install $(NPM_TOOLS): the tests that need it skip, saying so"; fi

clean:  ## delete the virtual environment and everything that was built
	rm -rf $(VENV) build dist site src/*.egg-info
