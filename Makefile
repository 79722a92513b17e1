# Every target makes what it needs: `make docs` or `make test` is all there is to type.
# Another interpreter: make docs PYTHON=python3.12

VENV := .venv
RUN := $(VENV)/bin/python
SITE := docs/_build/html
SOLUTIONS ?= 1
SLOW ?= 0
PORT ?= 8000
# Tests run side by side, one thread each.
PYTEST := $(RUN) -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal
# Without PYTHON=... the environment keeps the interpreter that it has.
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := $(VENV)/bin/python python3 python3.14 python3.13 python3.12 python3.11
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for p in $(CANDIDATES); do \
	$$p -c '$(OLD_ENOUGH)' 2>/dev/null && echo $$p && exit; done; echo python3)
endif
ENVIRONMENT := @"$(PYTHON)" tools/environment.py $(VENV) base

.DEFAULT_GOAL := help
.PHONY: help docs test test-slow serve browser browser-live bench bench-cuda test-cuda test-kernels book-kernels
.PHONY: lint clean lab pdf epub zip slides chromium
.PHONY: chapter dist
.PHONY: environment environment-browser environment-lab environment-pdf environment-bench environment-release

help:  ## show this list
	@echo "usage: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "next: make docs"

environment:
	$(ENVIRONMENT)

environment-browser:
	$(ENVIRONMENT) browser

environment-lab:
	$(ENVIRONMENT) lab

environment-pdf:
	$(ENVIRONMENT) pdf

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null || { \
		echo "No Chromium found, which prints the pages. On Debian or Ubuntu: apt install chromium"; exit 1; }

environment-bench:
	$(ENVIRONMENT) bench

environment-release:
	$(ENVIRONMENT) release

docs: environment  ## run every chapter and gallery script, write the site (SOLUTIONS=0: without solutions)
	@$(RUN) docs/build.py --solutions $(SOLUTIONS)
	@echo "next: open the file above in a browser, or make serve"

chapter: environment  ## run the cells of one chapter, write nothing, say where one fails (C=10)
	@$(RUN) tools/chapter.py "$(C)"
	@echo "next: make docs, to see its page"

test: environment  ## run the tests: unit, property, doctests; SLOW=1: the slow ones as well
	@echo "Running the tests, which takes three minutes or more on two cores; pytest shows how far it is."
	@$(PYTEST) $(if $(filter 1,$(SLOW)),,-m "not slow")
	@echo "next: make docs, or make browser for the tests of the built site"

test-slow: environment  ## run the tests that make test leaves out: small books, benchmarks, long runs
	@$(PYTEST) -m slow
	@echo "next: make docs, or make browser for the tests of the built site"

serve: docs  ## build the site and serve it on http://localhost:8000 (PORT=...)
	@echo "http://localhost:$(PORT)   stop with Ctrl-C"
	@$(RUN) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

lab: environment-lab docs  ## open the chapters as notebooks in JupyterLab
	@$(RUN) docs/lab.py
	@echo "next: make docs"

pdf: chromium environment-pdf docs  ## print the whole book as one PDF, by Chromium (some minutes)
	@$(RUN) docs/pdf.py
	@echo "next: open the file above, or make serve"

epub: chromium environment-pdf docs  ## make an EPUB of the book, with its formulas as MathML (some minutes)
	@$(RUN) docs/epub.py
	@echo "next: open it in a reader of books; epubcheck, where it is installed, checks it"

slides: docs  ## the slides of the chapters, which make docs makes from its pages: say where they are
	@$(RUN) docs/slides.py --site "$(SITE)$(if $(filter 0,$(SOLUTIONS)),-without-solutions)"
	@echo "next: open the file above in a browser; D changes between light and dark"

zip: docs  ## pack the whole site, to be carried along and opened without a network
	@$(RUN) docs/editions.py
	@echo "next: unpack it anywhere and open fitting-a-model/index.html"

browser: environment-browser docs  ## open the built site in a headless Chromium and test it
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null || { \
		echo "No Chromium found. On Debian or Ubuntu: apt install chromium"; exit 1; }
	@$(PYTEST) tests/browser -m browser
	@echo "next: make serve, to look at it yourself"

browser-live: environment-browser docs  ## run every cell that can run in its page, in Chromium, and compare
	@echo "Running the cells of all pages in a browser, which takes half an hour to an hour; it says how far it is."
	@$(RUN) tests/browser/live_sweep.py
	@echo "next: make docs, to see the counts on the build page"

bench: environment-bench  ## time each method against its peers, write the tables of the site (half an hour)
	@$(RUN) tests/peers.py
	@$(RUN) tests/benchmarks/run.py
	@$(RUN) tests/benchmarks/scaling.py
	@$(RUN) tests/benchmarks/distributed.py
	@$(RUN) tests/benchmarks/bbob.py --out docs/bbob.json
	@echo "next: make docs, to see the table in its page"

bench-cuda: environment  ## time training and methods on a CUDA device, and record them for the site
	@$(RUN) tests/benchmarks/on_cuda.py
	@echo "next: make docs, to see the record in its chapter"

test-cuda: environment  ## run the tests that need a CUDA device, and say so where there is none
	@$(RUN) -m pytest -m cuda
	@echo "next: make test"

lint: environment  ## check style (ruff) and types (mypy)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@if command -v actionlint >/dev/null; then actionlint; fi
	@echo "next: make test"

TAG ?=
dist: environment-release  ## build wheel and archive, check them, run the examples with the wheel alone
	@$(RUN) tools/release.py "$(TAG)"
	@rm -rf dist
	@$(RUN) -m build --no-isolation
	@$(RUN) -m twine check --strict dist/*
	@$(RUN) tools/wheel_alone.py
	@echo "next: git tag, whose push publishes it (.github/workflows/release.yml)"

KERNELS ?=
test-kernels: environment  ## run the tests marked numeric under each OpenBLAS kernel (KERNELS=Haswell,Prescott)
	@$(RUN) tests/kernels.py $(if $(KERNELS),--kernels $(KERNELS))
	@echo "next: make book-kernels, for the asserts of the book"

book-kernels: environment  ## build the book, from nothing, under each of three OpenBLAS kernels
	@$(RUN) tests/kernels.py --book $(if $(KERNELS),--kernels $(KERNELS))
	@echo "next: make docs"

clean:  ## remove the environment, the site and every cache (PIECES=1: the Python of the pages, too)
	@rm -rf $(VENV) dist docs/_build docs/auto_gallery docs/sg_execution_times.rst $(if $(PIECES),.cache)
	@rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find src docs tests gallery -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "next: make docs"
