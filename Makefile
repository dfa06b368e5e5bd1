# Set-up and everyday commands. Needs Python >= 3.11 and make; everything else is installed into .venv/.
PYTHON ?= python3
# Tests run side by side, a file in one process: what its tests share is made once.
WORKERS ?= 2
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile
comma := ,
CORE := .venv/core
DEV := .venv/dev
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# The one file of pinned versions, for build environments too.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo train test lint kernels rtl rtl-tools browser rtl-speed rtl-area bench samples study notebooks picture docs \
	fuzz fuzz-long faults lock sbom clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

demo: $(CORE)/.installed  ## Simulate a shipped trace, verify it, compare weight formats, and show it all on one page
	mkdir -p demo
	$(CORE)/bin/spikecycle simulate digits-8bit --hw spike_array --verify --json demo/digits-8bit.json
	$(CORE)/bin/spikecycle formats digits-pruned80 --hw spike_array --json demo/formats.json
	$(CORE)/bin/spikecycle report demo/digits-8bit.json demo/formats.json --out demo/report.html

train: $(CORE)/.train  ## Install what training, importing and studies need (torch and others) into .venv/core

test: $(DEV)/.installed  ## Run the test suite, on two cores unless WORKERS=N says otherwise
	$(DEV)/bin/python -m pytest $(SIDE_BY_SIDE)

lint: $(DEV)/.installed  ## Style, types and import layers
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

kernels: $(DEV)/.installed  ## Kernels against their twins with the JIT off, then bounds-checked
	NUMBA_DISABLE_JIT=1 $(DEV)/bin/python -m pytest -m kernel $(SIDE_BY_SIDE)
	NUMBA_BOUNDSCHECK=1 $(DEV)/bin/python -m pytest -m kernel $(SIDE_BY_SIDE)

rtl: $(DEV)/.installed rtl-tools  ## The spike array against its RTL in Verilator, cycle for cycle (minutes)
	$(DEV)/bin/python -m tests.rtl

rtl-tools:  ## Install Verilator, a C++ compiler and Yosys (Debian, Ubuntu), where they are missing
	command -v verilator >/dev/null && command -v yosys >/dev/null && command -v g++ >/dev/null || \
	{ $(ROOT) apt-get update && $(ROOT) apt-get install -y --no-install-recommends verilator yosys g++; }

browser:  ## Install Chromium (Debian, Ubuntu) for the tests of the HTML report, where there is none
	command -v chromium >/dev/null || { $(ROOT) apt-get update && $(ROOT) apt-get install -y --no-install-recommends chromium; }

rtl-speed: $(DEV)/.installed rtl-tools  ## How much faster the simulator is than the RTL in Verilator
	$(DEV)/bin/python -m benchmarks.rtl_speed

rtl-area: $(DEV)/.installed rtl-tools  ## Cells of a PE in Yosys beside the area model
	$(DEV)/bin/python -m benchmarks.pe_area

bench: $(DEV)/.installed  ## Speed on the reference network and of recording, and the error of the SRAM model
	$(DEV)/bin/python benchmarks/reference_network.py
	$(DEV)/bin/python benchmarks/recording_speed.py
	$(DEV)/bin/python benchmarks/sram_model.py

fuzz: $(DEV)/.installed  ## Attack every way in with 3,000 hostile inputs (minutes); tests/fuzz/FUZZING.md
	$(DEV)/bin/python -m tests.fuzz --inputs 3000 --seed 1

fuzz-long: $(DEV)/.installed  ## The same with 100,000 inputs (half an hour to hours)
	$(DEV)/bin/python -m tests.fuzz --inputs 100000 --seed 1 --jobs 2 --keep build/fuzz

faults: $(DEV)/.installed  ## Kill a study and a sweep 100 times each, fail their disks 20 times: nothing lost, the same to the byte (an hour); needs cc
	$(DEV)/bin/python -m tests.faults --kills 100 --disk 20 --seed 1

docs: $(DEV)/.installed  ## Build the documentation site in build/site; a broken link is an error
	$(DEV)/bin/mkdocs build --quiet --config-file docs/mkdocs.yml

notebooks: $(DEV)/.installed  ## Execute the notebooks, and keep what their cells put out
	$(DEV)/bin/python notebooks/execute.py --write

picture: $(DEV)/.installed browser  ## Draw the pictures of the README and of the first page again
	mkdir -p build
	$(DEV)/bin/spikecycle simulate digits-pruned80 --hw spike_array --picture benchmarks/pictures/simulate.svg
	$(DEV)/bin/spikecycle simulate digits-pruned80 --hw spike_array --report build/report.html
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1200,1120 --screenshot=benchmarks/pictures/report.png file://$(CURDIR)/build/report.html

samples: $(DEV)/.installed  ## Train the digits networks again and rewrite the shipped traces (minutes)
	$(DEV)/bin/python -m spikecycle.models.samples

study: $(DEV)/.installed  ## Train, compress and simulate the digits study (under half an hour on two cores)
	$(DEV)/bin/spikecycle study digits

# Every file that is installed has one of the hashes of the locked lists; the package itself is built without a build
# environment of pip's own choice. HASHES=no installs by versions alone, for an index with other files.
HASHES ?= yes
LOCKED := install --quiet --require-hashes --no-deps
ifeq ($(HASHES),yes)
install = $(1)/bin/python -m pip $(LOCKED) $(foreach list,$(2),-r requirements/$(list).txt) && \
	$(1)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . && \
	$(1)/bin/python -m pip check --quiet
else
install = $(1)/bin/python -m pip install --quiet --editable '.$(if $(3),[$(3)])'
endif
# Indexes differ in which builds of torch they have.
torch = $(1)/bin/python -m pip $(LOCKED) -r requirements/torch.txt || \
	{ echo "make: this index has another build of torch than requirements/torch.txt; installed by its version alone"; \
	$(1)/bin/python -m pip install --quiet torch; }

$(CORE)/.installed: pyproject.toml constraints.txt $(wildcard requirements/*.txt)
	$(PYTHON) -m venv $(CORE)
	$(call install,$(CORE),core,)
	touch $@

$(CORE)/.train: $(CORE)/.installed
	$(call torch,$(CORE))
	$(call install,$(CORE),core train,train)
	touch $@

# What tests and documents need has no locked list of its own that every index could meet: it is pinned by version.
$(DEV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --editable '.[train,explore,png,dev,docs,peers]'
	touch $@

lock: $(DEV)/.installed  ## Make the locked lists of packages anew from constraints.txt, with the hashes of their files
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet uv
	PATH="$(CURDIR)/.venv/lock/bin:$$PATH" $(DEV)/bin/python -m requirements.lock

sbom: $(DEV)/.installed  ## Write the software bill of materials, CycloneDX JSON, to build/spikecycle.cdx.json
	$(DEV)/bin/python -m requirements.sbom build/spikecycle.cdx.json

clean:  ## Remove the environments and caches
	rm -rf .venv build demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache tests/rtl/build
