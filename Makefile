# Openbell: everything a person does with this folder. `make` alone lists it.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 5000
DATA ?= data
WORKERS ?= 4

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --retries 8 --timeout 60

# An empty file in the virtual environment marks what is installed, so that a second `make run` starts at once.
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
SYSTEM := $(VENV)/.installed-system
GENERATOR := $(VENV)/.installed-generator
ETCD := $(VENV)/.installed-etcd
NODE := $(VENV)/.installed-node
PAGE := node_modules/.installed
BIOME := node_modules/.bin/biome
TSC := node_modules/.bin/tsc

SERVED := engine logs loop journal sequencer history projections replica cluster identity listings explain audit export publish offline api tools client openbell
CHECKED := $(SERVED) prerequisites.py tests benchmarks examples

# Some images set it. Every start of a server would compile hundreds of modules anew: a third of its time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List what can be made
	@echo "Openbell. make <target>, with HOST=$(HOST) PORT=$(PORT) DATA=$(DATA) PYTHON=$(PYTHON) as you like:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- run

.PHONY: run
run: $(RUNTIME) ## Serve, with simulated traders beside the server so that the page lives; ARGS="--rate-limit 100" adds options
	@exec $(PY) -m tools.launch --host "$(HOST)" --port "$(PORT)" --data "$(DATA)" $(ARGS)

.PHONY: serve
serve: $(RUNTIME) ## Serve an empty venue, without simulated traders; beside `make run`: PORT=5001 DATA=data-2
	@exec $(PY) api/app.py --host "$(HOST)" --port "$(PORT)" --data "$(DATA)" --profile sandbox $(ARGS)

.PHONY: cluster
cluster: $(RUNTIME) $(ETCD) ## Three members of etcd and three nodes on this machine, with simulated traders: kill any of them; DATA=data-cluster
	@exec $(PY) -m tools.cluster --port "$(PORT)" --data "$(if $(filter data,$(DATA)),data-cluster,$(DATA))" $(ARGS)

.PHONY: replay
replay: $(RUNTIME) ## Play recorded order flow into a server, PORT as it has; to try it: make replay ARGS="csv examples/btc-usd.csv --spawn"
	@exec $(PY) -m tools.replay $(or $(ARGS),--help) --url "http://$(HOST):$(PORT)"

.PHONY: audit
audit: $(RUNTIME) ## Prove that the journal in DATA kept the rules: the independent auditor's report
	@$(PY) -m audit "$(DATA)" $(ARGS)

# -- check

.PHONY: test
test: $(DEVELOPMENT) $(SYSTEM) $(PAGE) ## Install what the tests need, then lint, types, what tests cover, and every test
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint types $(if $(strip $(ARGS)),,coverage)
	$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# In one process and without servers: traced code that switches greenlets was seen to stop a test process for good.
COVERED := tests/engine tests/scenarios tests/journal tests/sequencer

.PHONY: coverage
coverage: $(DEVELOPMENT) ## What the fast tests of engine, journal and sequencer cover, which must be 95 % (part of test)
	@$(PY) -m coverage run -m pytest --quiet -m "not slow" $(COVERED)
	@$(PY) -m coverage report --skip-covered
	@echo "engine, journal, sequencer:"
	@$(PY) -m coverage report --include='engine/*,journal/*,sequencer/*' --format=total --fail-under=95 --precision=1

# Two at once, each with its output in one piece.
.PHONY: quick
quick: $(DEVELOPMENT) ## Before every commit, in about a minute: lint, types, house rules, files that must agree, scenarios and engine
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint types rules

# What compares a file of the checkout with another or with the program: a change of one of them is often a change of one file only.
COMPARED := tests/api/feed/test_private_parts.py tests/api/test_settings.py tests/benchmarks/test_arguments.py \
	tests/client/test_against_openapi.py tests/clients/test_environments.py tests/cluster/test_stubs.py \
	tests/deploy/test_cluster_files.py tests/deploy/test_files.py tests/export/test_documentation.py \
	tests/frontend/test_page_files.py tests/frontend/test_vendor.py tests/journal/test_recorded.py \
	tests/openbell/test_command.py tests/publish/test_messages.py \
	tests/access/test_documented.py::test_every_command_of_operators_has_its_row_and_every_option_too \
	tests/access/test_documented.py::test_every_route_of_operators_has_its_row \
	tests/api/http/test_rates.py::test_what_long_reads_count_is_what_the_settings_say \
	tests/frontend/test_suites.py::test_the_golden_feed_has_the_checksums_that_python_computes \
	tests/tools/test_replay_running.py::test_every_documented_replay_is_one_that_the_command_line_takes

.PHONY: rules
rules: $(DEVELOPMENT) $(PAGE) ## House rules, files that must agree, scenarios and engine, without what is slow (part of quick and of test)
	$(PY) -m pytest --quiet -m "not slow" tests/tidy tests/scenarios tests/engine $(COMPARED)

.PHONY: lint
lint: $(DEVELOPMENT) $(PAGE) ## Style: ruff's checks and its formatting, biome's of the page; bandit for what is dangerous
	$(PY) -m ruff check $(CHECKED)
	$(PY) -m ruff format --check $(CHECKED)
	$(PY) -m bandit --quiet --recursive $(SERVED)
	$(BIOME) ci

.PHONY: faults
faults: $(DEVELOPMENT) $(SYSTEM) ## Every fault in full: kills, pauses, broken disks, wrong clocks, hostile clients; takes an hour; ARGS="--list" lists
	@$(PY) -m tests.faults $(ARGS)

.PHONY: cluster-faults
cluster-faults: $(DEVELOPMENT) $(SYSTEM) ## A cluster's faults, each ten times: kills, pauses, cuts, full logs, wrong clocks; takes an hour; ARGS="--list" lists
	@$(PY) -m tests.cluster.faults $(ARGS)

.PHONY: clients
clients: $(DEVELOPMENT) ## Clients that people have, unchanged: what the gate has, and binance-sdk-spot, freqtrade, nautilus_trader
	OPENBELL_CLIENTS=all $(PY) -m pytest tests/clients $(ARGS)

.PHONY: advisories
advisories: $(DEVELOPMENT) ## Known vulnerabilities of what is pinned, by pip-audit, which asks a service for advisories
	@$(PY) -m tools.advisories

.PHONY: types
types: $(DEVELOPMENT) $(PAGE) ## Types: mypy --strict, and tsc over the page's JSDoc
	$(PY) -m mypy
	$(TSC)

.PHONY: page
page: $(PAGE) ## The page alone: biome's checks and formatting, types by tsc (part of lint and types)
	$(BIOME) ci
	$(TSC)

.PHONY: tidy
tidy: $(DEVELOPMENT) ## House rules only: layers, purity, documentation (part of test)
	$(PY) -m pytest tests/tidy $(ARGS)

.PHONY: stubs
stubs: $(DEVELOPMENT) ## Make the stubs of etcd's API anew, after a change of cluster/etcd/wire.proto or of protobuf's pin
	$(PY) -m grpc_tools.protoc --proto_path . --python_out . --pyi_out . cluster/etcd/wire.proto

SEEDS ?= 10000

.PHONY: sim
sim: $(DEVELOPMENT) ## Simulated worlds with every fault, over all cores: SEEDS=10000 for a night; says which seed fails
	@$(PY) -m tests.sim --seeds $(SEEDS) $(ARGS)

.PHONY: sim-cluster
sim-cluster: $(DEVELOPMENT) ## Simulated clusters with every fault, over all cores: SEEDS=10000; says which seed fails
	@$(PY) -m tests.sim_cluster --seeds $(SEEDS) $(ARGS)

.PHONY: pythons
pythons: ## Try every Python from 3.11 to 3.14 that is here: what is pinned installs, servers start, a part of the tests
	@sh tools/setup/pythons.sh "$(VENV)/pythons"

# `reach` runs `matcher` as well. The rest of benchmarks/ compares with a commit, or takes longer: answers, engine_against,
# front, soak.
BENCHMARKS := reach order_path engine order_memory feed delivery journal_commit explain page
AGAINST ?=

.PHONY: bench
bench: $(DEVELOPMENT) $(GENERATOR) ## The benchmarks, one after the other; takes half an hour; AGAINST=COMMIT compares reach with it
	@for name in $(BENCHMARKS); do \
		echo "== benchmarks/$$name.py"; \
		against=""; if [ "$$name" = reach ] && [ -n "$(AGAINST)" ]; then against="--against $(AGAINST)"; fi; \
		$(PY) -m "benchmarks.$$name" $$against || exit 1; \
	done

# -- install

.PHONY: wheel
wheel: $(DEVELOPMENT) ## A wheel and a source distribution, in dist/: `pip install dist/openbell-*.whl` gives the command
	@$(PY) -m hatchling build --directory dist

$(PY):
	@sh tools/setup/virtualenv.sh "$(PYTHON)" "$(VENV)"

$(RUNTIME): requirements.txt $(PY)
	@echo "Installing what the server needs into $(VENV) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(NODE): tools/setup/system-packages.sh | $(PY)
	@sh tools/setup/system-packages.sh node npm
	@touch $@

$(PAGE): package.json package-lock.json $(NODE)
	@echo "Installing what checks the page into node_modules ..."
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(SYSTEM): tools/setup/system-packages.sh | $(PY)
	@sh tools/setup/system-packages.sh chromium etcd faketime haproxy nginx node postgresql prometheus redis strace
	@touch $@

$(ETCD): tools/setup/system-packages.sh | $(PY)
	@sh tools/setup/system-packages.sh etcd
	@touch $@

$(GENERATOR): tools/setup/system-packages.sh | $(PY)
	@sh tools/setup/system-packages.sh chromium wrk
	@touch $@

.PHONY: clean
clean: ## Remove everything that was installed or cached here; your data stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache node_modules .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
