# Every target makes what it needs: `make docs` or `make test` is all there is to type.
# Another interpreter: make docs PYTHON=python3.12

VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install --quiet -c constraints.txt
SITE := docs/_build/html
SOLUTIONS ?= 1
PORT ?= 8000
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)

.DEFAULT_GOAL := help
.PHONY: help docs test serve browser bench bench-cuda test-cuda test-kernels book-kernels lint clean

help:  ## show this list
	@echo "usage: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "next: make docs"

# The environment. A stamp is younger than both files until one of them changes.
# torch goes first and alone, so that nothing else decides which of its versions comes.
$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "lecturecode needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
		echo "Install a newer one, or name it: make docs PYTHON=/path/to/python3.12"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "No virtual environment could be made. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "installing torch (the longest part)"
	@$(PIP) torch
	@echo "installing the rest"
	@$(PIP) --editable '.[docs,test,scale,lint]'
	@touch $@

$(VENV)/ready-browser: $(VENV)/ready
	@$(PIP) --editable '.[browser]'
	@touch $@

# acopy asks for versions of click and networkx that are long gone, and runs with those of today.
$(VENV)/ready-bench: $(VENV)/ready
	@$(PIP) --editable '.[bench]'
	@$(PIP) --no-deps acopy tsplib95
	@touch $@

docs: $(VENV)/ready  ## run every chapter and gallery script, write the site (SOLUTIONS=0: without solutions)
	@echo "running what changed in the book; the first time that is everything, and takes minutes"
	@$(RUN) docs/build.py --solutions $(SOLUTIONS)
	@echo "next: open the file above in a browser, or make serve"

test: $(VENV)/ready  ## run the tests: unit, property, doctests (CUDA tests where there is a device)
	@$(RUN) -m pytest
	@echo "next: make docs, or make browser for the tests of the built site"

serve: docs  ## build the site and serve it on http://localhost:8000 (PORT=...)
	@echo "http://localhost:$(PORT)   stop with Ctrl-C"
	@$(RUN) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

browser: $(VENV)/ready-browser docs  ## open the built site in a headless Chromium and test it
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null || { \
		echo "No Chromium found. On Debian or Ubuntu: apt install chromium"; exit 1; }
	@$(RUN) -m pytest tests/browser -m browser
	@echo "next: make serve, to look at it yourself"

bench: $(VENV)/ready-bench  ## time each method against its peers, write the tables of the site (half an hour)
	@$(RUN) tests/benchmarks/run.py
	@$(RUN) tests/benchmarks/scaling.py
	@$(RUN) tests/benchmarks/distributed.py
	@$(RUN) tests/benchmarks/bbob.py --out docs/bbob.json
	@echo "next: make docs, to see the table in its page"

bench-cuda: $(VENV)/ready  ## time training and methods on a CUDA device, and record them for the site
	@$(RUN) tests/benchmarks/on_cuda.py
	@echo "next: make docs, to see the record in its chapter"

test-cuda: $(VENV)/ready  ## run the tests that need a CUDA device, and say so where there is none
	@$(RUN) -m pytest -m cuda
	@echo "next: make test"

lint: $(VENV)/ready  ## check style (ruff) and types (mypy)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@echo "next: make test"

KERNELS ?=
test-kernels: $(VENV)/ready  ## run the tests marked numeric under each OpenBLAS kernel (KERNELS=Haswell,Prescott)
	@$(RUN) tests/kernels.py $(if $(KERNELS),--kernels $(KERNELS))
	@echo "next: make book-kernels, for the asserts of the book"

book-kernels: $(VENV)/ready  ## build the book, from nothing, under each of three OpenBLAS kernels
	@$(RUN) tests/kernels.py --book $(if $(KERNELS),--kernels $(KERNELS))
	@echo "next: make docs"

clean:  ## remove the environment, the site and every cache
	@rm -rf $(VENV) docs/_build docs/auto_gallery docs/sg_execution_times.rst
	@rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find src docs tests gallery -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "next: make docs"
