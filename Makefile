# make install        what everything needs, into .venv; the others do it by themselves
# make demo           the example network: generated, checked against its reference, and a page
#                    in which its circuit runs
# make demo-maps      the convolutional and the residual example, 512 images each
# make test           the quick tests: each part of the program once
# make test-wide      the wide ones too: the same parts, more of their cases, and what takes longer
# make test-others    the wide ones alone, after make test
# make check          all tests, slow ones too, 100 random networks of each kind, the tables of
#                    cycles and of generation, seeded faults
# make test-frameworks  the converters' tests with snnTorch, SpikingJelly, sinabs, Norse, Brevitas and
#                    NIR, in a virtual environment of their own   (SLOW=1: each in RTL too)
# make recordings    real recordings of event cameras, out of the packages that ship them
# make site           docs/ as a site, into build/site
# make lint           ruff and mypy
# make clean-room     demo and tests as a stranger sees them: nothing set, odd names, not root
# make bare-roots     the same in fresh Debian 12, Debian 13 and Ubuntu 24.04 (root, debootstrap)
# make mutants        400 small faults in the source, each to be found by a test; hours
# make train-example  train the example network again
# make lock           requirements/tested.txt again, with today's versions
# make clean          remove what was built, the virtual environment included
#
# Everything is set up in .venv by the first of them. Needed beforehand: python3 (3.11 or later),
# and for simulations g++, make and Python's shared library. TORCH=cuda at the first call takes
# PyTorch's build for NVIDIA's cards, which only training can use: 4 GB more.

PYTHON ?= python3
JOBS ?= 2
TORCH ?= cpu
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks
# A virtual environment holds its own path in many files: one that was moved is not ready.
READY := $(VENV)/.ready-$(shell pwd | cksum | cut -d " " -f 1)

.PHONY: install demo demo-maps test test-wide test-others check lint clean-room bare-roots \
	train-example lock clean test-frameworks recordings site mutants
# The tools below have variables of make of their own.
unexport MAKEFLAGS MFLAGS

install: $(READY)
	@echo "Ready. In each new shell: . $(BIN)/activate   Then docs/tutorial.md, or make demo"

demo: $(READY)
	$(BIN)/python -m bsnn_hw.generate examples/fashion_mnist_fc.pt --out build/demo --force --verify
	$(BIN)/python -m bsnn_hw.report build/demo --model examples/fashion_mnist_fc.pt

demo-maps: $(READY)
	$(BIN)/python -m bsnn_hw.generate examples/fashion_mnist_conv.pt --out build/conv --force
	$(BIN)/python -m bsnn_hw.verify build/conv --all --data examples/fashion_mnist_sample.npz
	$(BIN)/python -m bsnn_hw.generate examples/fashion_mnist_residual.pt --out build/residual --force
	$(BIN)/python -m bsnn_hw.verify build/residual --all --data examples/fashion_mnist_sample.npz

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow and not wide"

test-wide: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow"

test-others: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "wide and not slow"

check: $(READY) demo
	$(BIN)/python -m pytest -n $(JOBS)
	$(BIN)/python -m evidence.random_networks --jobs $(JOBS)
	$(BIN)/python -m evidence.faults build/demo
	$(BIN)/python -m evidence.edits --jobs $(JOBS)
	$(BIN)/python -m evidence.kills
	$(BIN)/python -m evidence.fuzz --files 10000
	$(BIN)/python -m evidence.proofs --jobs $(JOBS)
	$(BIN)/python -m evidence.netlists --jobs $(JOBS)
	$(BIN)/python -m evidence.serial_damage
	$(BIN)/python -m evidence.cycles
	$(BIN)/python -m evidence.activity
	$(BIN)/python -m evidence.operations_rtl
	$(BIN)/python -m evidence.netlist_activity
	$(BIN)/python -m evidence.generation
	$(MAKE) demo-maps
	$(BIN)/python -m evidence.random_maps --jobs $(JOBS)
	$(BIN)/python -m evidence.random_places --jobs $(JOBS)
	$(BIN)/python -m evidence.random_semantics --jobs $(JOBS)
	$(BIN)/python -m evidence.random_recurrences --jobs $(JOBS)
	$(BIN)/python -m evidence.random_second_order --jobs $(JOBS)
	$(BIN)/python -m evidence.random_refractory --jobs $(JOBS)
	$(BIN)/python -m evidence.random_floors --jobs $(JOBS)
	$(BIN)/python -m evidence.random_sew --jobs $(JOBS)
	$(BIN)/python -m evidence.random_groups --jobs $(JOBS)
	$(BIN)/python -m evidence.random_separable --jobs $(JOBS)
	$(BIN)/python -m evidence.random_streams --jobs $(JOBS)
	$(BIN)/python -m evidence.random_mixed --jobs $(JOBS)
	$(BIN)/python -m evidence.random_pipelined --jobs $(JOBS)
	$(BIN)/python -m evidence.random_units --jobs $(JOBS)
	$(BIN)/python -m evidence.random_unrolled --jobs $(JOBS)
	$(BIN)/python -m evidence.planned_networks --jobs $(JOBS)
	$(BIN)/python -m evidence.random_cycles --jobs $(JOBS)
	$(BIN)/python -m evidence.growth
	$(BIN)/python -m evidence.sample_gates
	$(BIN)/python -m bsnn_hw.precision examples/fashion_mnist_fc.pt
	$(BIN)/python -m evidence.map_cycles

site: $(READY)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs build/site
	@echo build/site/index.html

# Cosmic Ray and what it needs stand in no list of ours: nothing but this uses it.
mutants: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "cosmic-ray>=8.7,<9"
	$(BIN)/python -m evidence.mutants --keep build/mutants.jsonl --jobs $(JOBS)

lint: $(READY) build/types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

# Where mypy, which goes by folders alone, finds bsnn_hw.hdl and bsnn_hw.sim.
build/types:
	mkdir -p $@/bsnn_hw
	ln -s ../../../hdl ../../../sim $@/bsnn_hw

clean-room:
	.ci/clean_room

bare-roots:
	.ci/bare_roots

test-frameworks: $(FRAMEWORKS)/.ready recordings
	BSNN_RECORDINGS=build/recordings $(FRAMEWORKS)/bin/python -m pytest -n $(JOBS) \
		$(if $(SLOW),,-m "not slow") tests/convert tests/events \
		tests/nn/test_binarize_docs.py tests/evidence/test_binarized.py

$(FRAMEWORKS)/.ready: pyproject.toml requirements/install tests/convert/requirements.txt
	test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	requirements/install $(FRAMEWORKS)/bin/python $(TORCH)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		-r tests/convert/requirements.txt
	touch $@

recordings: build/recordings/evt3.raw

build/recordings/evt3.raw: | $(READY)
	$(BIN)/python tests/events/fetch_recordings.py build/recordings

train-example: $(READY)
	$(BIN)/python -m bsnn_hw.train fashion-mnist --epochs 60 --validation 0 --out examples/fashion_mnist_fc.pt --force
	$(BIN)/python -m bsnn_hw.train fashion-mnist --network conv --validation 0 --out examples/fashion_mnist_conv.pt --force
	$(BIN)/python -m bsnn_hw.train fashion-mnist --network residual --validation 0 --out examples/fashion_mnist_residual.pt --force
	$(BIN)/python -m bsnn_hw.train fashion-mnist --hidden 80 --timesteps 2 --gate none --rate-penalty 0 --epochs 60 --validation 0 --out examples/fashion_mnist_up5k.pt --force
	$(BIN)/python -m bsnn_hw.train fashion-mnist --epochs 60 --validation 0 --gate-ratios equal --seed 2 --out examples/fashion_mnist_fc_shift.pt --force

lock: $(READY)
	echo "torch ; sys_platform == 'none'" | $(BIN)/python -m uv pip compile --quiet --upgrade \
		--universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
		--overrides /dev/stdin --no-emit-package torch --custom-compile-command "make lock" \
		--output-file requirements/tested.txt pyproject.toml requirements/torch.in

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache $(VENV) $(FRAMEWORKS)

$(READY): pyproject.toml requirements/tested.txt requirements/install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or later is needed: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "make: Python's venv is missing: apt install python3-venv"; exit 1; }
	@test -e $@ || ! ls $(VENV)/.ready-* >/dev/null 2>&1 || \
		{ echo "$(VENV) was made elsewhere and moved: it is made again"; rm -rf $(VENV); }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), once: 0.5 GB to download, 2.2 GB on disk"
	requirements/install $(BIN)/python $(TORCH)
	touch $@
