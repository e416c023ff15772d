# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# sentence-transformers is only the reference of `make test-all`; name another build if you like.
TORCH  ?= torch==2.13.0
# Processes that run tests, beside each other.
JOBS   ?= 2
# What `make bench` runs, beside the peers: names of benchmarks, or `all`.
BENCH  ?= embedding

# Rooms that have compiled parts, and those that stand on them.
PLAIN  ?= tests/contracts tests/unit/ann tests/unit/lexical tests/unit/stores tests/unit/collection \
  tests/unit/models/transformer
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal
# Pages of the docs with examples that need hosts.
HOSTS_PAGES := "tests/docs/test_docs.py::test_page[docs/guide/integrations.md]" \
  "tests/docs/test_docs.py::test_page[docs/guide/mcp.md]"

.PHONY: help demo test test-plain test-hosts test-all lint types docs bench models clean

help:
	@echo "make demo      search a small catalogue by meaning"
	@echo "make test      the default tests"
	@echo "make test-plain  tests without the compiled parts"
	@echo "make test-hosts  inside LangChain, LlamaIndex, Haystack, scikit-learn and MCP; providers' clients"
	@echo "make test-all  what make test leaves out: slow tests, large references, hosts"
	@echo "make bench     embedding speed beside other libraries (DATA=folder of data sets)"
	@echo "make lint types docs"

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	$(BIN)/python -m pip install -q -e ".[documents,code]"
	@touch $@

$(VENV)/.test: $(VENV)/.base
	$(BIN)/python -m pip install -q -e ".[documents,code,parquet,rag]" --group test
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(BIN)/python -m pip install -q --group lint --group docs
	@touch $@

$(VENV)/.torch: $(VENV)/.test
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pip install -q -e ".[torch,mteb]"
	@touch $@

$(VENV)/.hosts: $(VENV)/.test
	$(BIN)/python -m pip install -q --group hosts
	@touch $@

$(VENV)/.demo-model: $(VENV)/.base
	$(BIN)/nearfield models install all-MiniLM-L6-v2
	@touch $@

$(VENV)/.test-models: $(VENV)/.test $(VENV)/.demo-model
	$(BIN)/nearfield models install bge-small-en-v1.5
	$(BIN)/nearfield models install wordllama-l2-supercat-256
	$(BIN)/nearfield models install glove-6b-50d
	$(BIN)/nearfield models install ms-marco-MiniLM-L-12-v2
	$(BIN)/nearfield models install answerai-colbert-small-v1-backbone
	$(BIN)/nearfield models install splade-tiny
	$(BIN)/nearfield models install smollm2-135m-instruct
	@touch $@

$(VENV)/.all-models: $(VENV)/.test-models
	$(BIN)/nearfield models install all-mpnet-base-v2
	@touch $@

demo: $(VENV)/.demo-model
	$(BIN)/python examples/demo.py

test: $(VENV)/.test-models
	$(PYTEST) -m "not slow and not hosts"

# Without the compiled parts: what a machine without a C compiler runs. All of it: PLAIN=
test-plain: $(VENV)/.test-models
	NEARFIELD_NATIVE_KERNEL=none NEARFIELD_ANN_KERNEL=none NEARFIELD_LEXICAL_KERNEL=none \
	  $(PYTEST) -m "not slow and not hosts" $(PLAIN)

# Inside the tools that people use, by the suites that these give to their integrations, and the
# servers of the tests by the clients that providers give.
test-hosts: $(VENV)/.hosts $(VENV)/.test-models
	$(PYTEST) tests/integrations src/nearfield/integrations $(HOSTS_PAGES) \
	  tests/unit/models/remote/test_official_clients.py

# What `make test` leaves out: slow tests, references and hosts that are large, and their pages.
test-all: $(VENV)/.torch $(VENV)/.hosts $(VENV)/.all-models
	$(PYTEST) -m "slow or hosts"
	$(BIN)/python -m pytest $(HOSTS_PAGES)

lint: $(VENV)/.lint
	$(BIN)/ruff check src tests benchmarks examples docs
	$(BIN)/ruff format --check src tests benchmarks examples docs
	$(BIN)/lint-imports

types: $(VENV)/.lint
	$(BIN)/mypy

docs: $(VENV)/.lint
	$(BIN)/mkdocs build --strict

# Peers are installed into environments of their own; `all` also compares with $(TORCH) in .venv.
bench: $(VENV)/.all-models $(if $(filter all,$(BENCH)),$(VENV)/.torch)
	$(BIN)/python -m benchmarks $(BENCH) $(if $(DATA),--data $(DATA)) --page

clean:
	rm -rf $(VENV) site build dist .mypy_cache .ruff_cache .pytest_cache
