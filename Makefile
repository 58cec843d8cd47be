# Everything that this repository can do. `make` alone lists it.
# Needs make and Python 3.11 or newer; the rest is installed into .venv.

PYTHON ?= python3   # makes .venv when there is none
TORCH_INDEX ?=      # e.g. https://download.pytorch.org/whl/cpu: torch without CUDA, for Linux
CHAPTER ?=          # a part of a chapter's file name, for `make execute`
MODULE ?=           # modules of the library, for `make mutants`; all that are to be measured
THREADS ?= 1        # threads of the numerical libraries, for `make nbval`
KEY ?=              # what students' numbers are drawn with; left out, one is made and kept
ROSTER ?=           # a CSV file with a column student, for `make variant`

# Comments after a value leave blanks behind it; strip them.
override PYTHON := $(strip $(PYTHON))
override TORCH_INDEX := $(strip $(TORCH_INDEX))
override CHAPTER := $(strip $(CHAPTER))
override MODULE := $(strip $(MODULE))
override THREADS := $(strip $(THREADS))
override KEY := $(strip $(KEY))
override ROSTER := $(strip $(ROSTER))

# Some containers set it; then each of the many processes below would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
INSTALLED := .venv/.installed
BUILT := _build/html/.built
BOOK := $(wildcard _config.yml _toc.yml _ext/*.py _static/* chapters/*.ipynb chapters/*.md \
	chapters/*.bib xavier/*.py glorot2010/*.py glorot2010/verdicts/*.py assignments/kit/*.py assignments/kit/*/*.py)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install book test thorough nbval check execute scoreboard assignments variant grade pdf epub colab slides screens figures lab mutants bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z ]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make execute CHAPTER=03          only the chapters with 03 in their name"
	@echo "  make book TORCH_INDEX=URL        install torch from that index first, as for Linux without"
	@echo "                                   a GPU: https://download.pytorch.org/whl/cpu"

# ---------------------------------------------------------------------------------------- install

# A stamp, so that an unchanged environment costs nothing. pip would compile all that it installs;
# most of it is never imported, and the rest is compiled when it is. setuptools warns of every
# editable installation.
$(INSTALLED): requirements.txt pyproject.toml
	@test -x $(BIN)/python || \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed, and '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>&1 | tail -n 1). Name another: make PYTHON=python3.12 ..."; \
		exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(grep -o '^pip==[^ ]*' requirements.txt)"
ifneq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install --quiet --no-compile --index-url $(TORCH_INDEX) \
		"$$(grep -o '^torch==[^ ]*' requirements.txt)"
endif
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	@touch $@

install: $(INSTALLED) ## Make .venv and install into it what requirements.txt pins

# ------------------------------------------------------------------------------------------- book

# Always from nothing: an incremental build forgets the warnings of pages that it does not read
# again, and keeps the pages of chapters that are gone.
$(BUILT): $(INSTALLED) $(BOOK)
	@rm -rf _build/html _build/.doctrees
	$(BIN)/jupyter-book build . -W -n --keep-going
	@touch $@

book: $(BUILT) ## Build the book from the stored outputs, every warning an error
	@echo "The book starts at $(CURDIR)/_build/html/index.html"

execute: $(INSTALLED) ## Execute chapters in place, each in a clean kernel (CHAPTER=...)
	$(BIN)/python tools/execute.py $(CHAPTER)

scoreboard: $(INSTALLED) ## Compute all verdicts, and keep and draw them for the book
	$(BIN)/python tools/scoreboard.py

# ------------------------------------------------------------------------------------ assignments

GRADING := $(BIN)/python -m xavier_grading
KEYED := $(if $(KEY),--key '$(KEY)')

assignments: $(INSTALLED) ## Make the problem sets' releases from their sources, and prove these
	$(GRADING) release --solve

variant: $(INSTALLED) ## Give every student numbers of their own (ROSTER=students.csv)
	$(GRADING) variant $(KEYED) $(if $(ROSTER),--roster '$(ROSTER)')

grade: $(INSTALLED) ## Mark assignments/submitted/STUDENT/SET/
	$(GRADING) grade $(KEYED)

# ------------------------------------------------------------------------------------------ around

pdf epub: $(BUILT) ## Make one file of the book, _build/html/book.pdf or book.epub
	$(BIN)/python tools/portable.py $@

colab: $(INSTALLED) ## Write the chapters with the cell that installs them in Colab, _build/colab
	$(BIN)/python tools/colab.py

slides: $(BUILT) ## Make slides of every chapter (CHAPTER=...)
	$(BIN)/python tools/slides.py $(CHAPTER)

screens: $(BUILT) ## Take pictures of every page, wide and narrow, light and dark (CHAPTER=...)
	$(BIN)/python tools/screens.py $(CHAPTER)

figures: $(INSTALLED) ## Write every figure of the book to a file (CHAPTER=...)
	$(BIN)/python tools/figures.py $(CHAPTER)

lab: $(INSTALLED) ## Open JupyterLab on the chapters
	@test -x $(BIN)/jupyter-lab || \
		$(BIN)/python -m pip install --quiet --requirement requirements.txt --editable '.[lab]'
	$(BIN)/jupyter-lab --notebook-dir chapters

# ----------------------------------------------------------------------------------------- checks

# One pool of two processes for all, in the order named here: first the book is built (by the fixture
# `book` of tests/conftest.py) while the other process has chapters to do, and what is short comes
# last, so that both end together. The cells of a chapter stay together. Each process has one thread:
# two with two each would spend most of their time on waiting for one another.
CHAPTERS := --nbval --nbval-current-env --nbval-sanitize-with tests/book/nbval_sanitize.cfg \
	--nbval-cell-timeout 1200
POOL := $(BIN)/python -m pytest -p no:cacheprovider -n 2 --no-loadscope-reorder
ONE := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

test: $(INSTALLED) ## Build the book, re-execute and compare the chapters, test the packages
	$(ONE) $(POOL) --quiet $(CHAPTERS) -m "not thorough" tests/test_build.py \
		chapters tests/browser tests/reproduction tests/assignments tests/book tests/library

# Once more with two threads, and with the instructions of an older processor: what was printed, and
# what the tests compare, is then summed up in another order. Where there are no others it is the same.
# Algebra, files, processes and pictures have no such sums.
OLDER := MKL_ENABLE_INSTRUCTIONS=AVX2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2
EXACT := library/test_checks library/test_derivation library/test_figures library/test_imports \
	library/test_moments library/test_panels reproduction/test_cli reproduction/test_drawings \
	reproduction/test_experiments reproduction/test_records

thorough: $(BUILT) ## The slow tests, and chapters and libraries again as an older processor adds
	@$(OLDER) $(MAKE) --no-print-directory nbval THREADS=2
	$(OLDER) $(ONE) $(POOL) --quiet -m "not thorough" tests/library tests/reproduction \
		$(EXACT:%=--ignore tests/%.py)
	$(ONE) $(POOL) -m thorough tests

# With two threads each, two kernels at a time: threads that wait must not spin then.
nbval: export OMP_NUM_THREADS := $(THREADS)
nbval: export MKL_NUM_THREADS := $(THREADS)
nbval: export OPENBLAS_NUM_THREADS := $(THREADS)
nbval: export OMP_WAIT_POLICY := passive
nbval: $(INSTALLED) ## Re-execute every chapter and compare it with what is stored (THREADS=1)
	$(POOL) --quiet --dist loadfile $(CHAPTERS) chapters

check: $(INSTALLED) ## Lint, format and types, notebooks too; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: $(INSTALLED) ## Change the library in small ways, and list what its tests miss (MODULE=...)
	$(BIN)/python tools/mutants.py $(MODULE)

bench: $(INSTALLED) ## Measure the package against the obvious way of doing the same
	$(BIN)/python -m benchmarks

clean: ## Remove what was built (not .venv)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
