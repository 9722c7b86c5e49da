# Jiaozi. `make help` lists the targets; each does the set-up it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

BOARD ?=
BOARDS := $(notdir $(patsubst %/board.toml,%,$(wildcard boards/*/board.toml)))
# Boards also built for NVM with a program unit of 256 bytes, like the flash of hardware.
LARGE_UNITS := visual_card
VENV_PYTHON := build/venv/bin/python
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Prints a step's name, runs it and prints its duration.
STEP := .ci/step
PYTEST := $(VENV_PYTHON) -m pytest

# Each writes generated files; with --check it fails if they are stale.
GENERATORS := $(addprefix protocol/tools/,gen_errors.py gen_vectors.py gen_costs.py) \
	firmware/fonts/make_glyphs.py boards/generate.py
LINTED := host protocol simulator firmware boards tests
HOST_TYPED := protocol/jiaozi protocol/cpython host/jiaozi_host simulator tests/sweep $(wildcard boards/*.py)
DEVICE_TYPED := protocol/jiaozi firmware/wallet $(wildcard boards/*/board.py)
existing = $(wildcard $(1))

.NOTPARALLEL:
.PHONY: help demo test bench fuzz sweep sweep-qemu seeded evidence model setup check lint types unit emulated unicorn firmware generate requirements renode renode-install fidelity clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup firmware ## provision three wallets, pay offline, tear and resume a tap, sync (pictures in build/demo)
	@$(VENV_PYTHON) simulator/scenarios/demo.py

test: setup check unit firmware emulated unicorn ## run all checks, the quick ones first
	@$(STEP) --total

bench: setup firmware ## measure a tap: instructions, exchanges, bytes, heap, image (build/bench.json)
	@$(VENV_PYTHON) -m tests.bench.bench

model: setup ## check the Spin model of a transfer, with full bounds and mutants (build/model.json)
	@$(VENV_PYTHON) protocol/model/check_model.py --full --mutants

evidence: setup ## check fraud proofs over 10,000 random histories with cheats (build/evidence.json)
	@$(VENV_PYTHON) -m tests.evidence.play_histories --out build/evidence.json $(ARGS)

renode: ## run robot suites and emulated tests on Renode; fails if Renode is not installed
	@python3 tests/renode/run_on_renode.py --look
	@$(MAKE) --no-print-directory setup firmware
	@$(VENV_PYTHON) tests/renode/run_on_renode.py

fidelity: setup firmware ## measure the same tap on every engine, for simulator/renode/fidelity.md (ARGS=--check compares)
	@PYTHONPATH=simulator $(VENV_PYTHON) simulator/scenarios/fidelity.py $(ARGS)

renode-install: ## print how to install Renode (ARCHIVE=file checks its SHA-256)
	@python3 simulator/renode/install.py $(ARCHIVE) $(SHA256)

fuzz: setup firmware ## fuzz every decoder and the dispatcher, on CPython and on the image (build/fuzz.json)
	@.ci/setup --fuzz
	@$(VENV_PYTHON) -m tests.fuzz.run_fuzzers $(ARGS)

sweep: setup firmware ## cut the power at every NVM store of every flow, with every outcome (build/sweep.json)
	@$(VENV_PYTHON) -m tests.sweep.sweep_flows $(ARGS)
	@$(VENV_PYTHON) -m tests.sweep.sweep_pin

sweep-qemu: setup firmware ## compare 200 random power cuts on QEMU and Unicorn (build/sweep-qemu.json)
	@$(VENV_PYTHON) -m tests.sweep.compare_qemu $(ARGS)

seeded: setup firmware ## check that the sweep finds each seeded firmware fault (build/seeded.json)
	@$(VENV_PYTHON) -m tests.faults.seeded.find_faults $(ARGS)

setup: ## install dependencies (the other targets run this first)
	@.ci/step --start
	@.ci/setup

check: lint types ## check generated files, style and types

lint: setup ## check that generated files are current, and run ruff
	@$(STEP) "generated files" sh -ec 'for made in $(GENERATORS); do $(VENV_PYTHON) $$made --check; done'
	@$(STEP) "ruff" $(VENV_PYTHON) -m ruff check --quiet $(call existing,$(LINTED))

types: setup ## run mypy on the host's code, then on the device's with MicroPython's stubs
	@$(STEP) "types (host)" $(VENV_PYTHON) -m mypy $(call existing,$(HOST_TYPED))
	@$(STEP) "types (device)" $(VENV_PYTHON) -m mypy --config-file .ci/mypy-firmware.ini $(call existing,$(DEVICE_TYPED))

unit: setup ## run the tests that need no firmware
	@$(STEP) "tests without firmware" $(PYTEST) -n auto --dist worksteal -m "not emulated" $(ARGS)

emulated: setup firmware ## run the tests on firmware images
	@$(STEP) "tests with firmware" $(PYTEST) -n 2 --dist loadfile -m emulated $(ARGS)

unicorn: setup firmware ## run some taps on Unicorn instead of QEMU (all emulated tests take --engine unicorn)
	@$(STEP) "taps on Unicorn" $(PYTEST) -m emulated --engine unicorn tests/emulated/test_tap.py -k 'payee-2500-0 or payer-0-1234 or agree'

firmware: setup ## build the images and the unix port (BOARD=name: that image only)
	@$(VENV_PYTHON) boards/generate.py --check
ifeq ($(BOARD),)
	@for board in $(BOARDS); do $(STEP) "firmware $$board" $(MAKE) -j$(JOBS) -C firmware BOARD=$$board || exit; done
	@$(STEP) "firmware $(LARGE_UNITS), 256-byte units" \
		$(MAKE) -j$(JOBS) -C firmware BOARD=$(LARGE_UNITS) NVM_UNIT=256
	@$(STEP) "firmware unix" $(MAKE) -j$(JOBS) -C firmware unix
else
	@$(STEP) "firmware $(BOARD)" $(MAKE) -j$(JOBS) -C firmware BOARD=$(BOARD)
endif

generate: setup ## write the generated files
	@for made in $(GENERATORS); do $(VENV_PYTHON) $$made || exit; done

requirements: ## pin the newest dependencies allowed by pyproject.toml, with hashes
	@.ci/pin

clean: ## remove build results; the virtual environment and upstream sources stay
	rm -rf build/firmware build/demo build/bench.json build/seeded build/seeded.json build/evidence.json build/model build/model.json build/mypy build/mypy-firmware build/ruff build/pytest
