# SPDX-License-Identifier: GPL-2.0
#
# The one entry point: `make help` lists every target. Each room adds its own
# targets in its build.mk; this file knows only what is common to all.

# Neither make nor the kernel's own Makefiles can handle these characters in a path.
ifneq ($(words $(CURDIR))$(findstring :,$(CURDIR)),1)
$(error This clone is in "$(CURDIR)". Make and the kernel's build system cannot work in \
	a directory with blanks or colons in its path: move the clone to another directory)
endif

VERSION		:= 0.1.0
# Which kernel `make module` builds for; kernel/get --list names them all.
KERNEL		?= stock

ifeq ($(origin CC),default)
CC		:= gcc
endif
# Machines are x86-64 on every host, and so are the programs in them.
HOSTARCH	:= $(shell uname -m)
GUESTCC		?= $(if $(filter x86_64,$(HOSTARCH)),$(CC),x86_64-linux-gnu-gcc)
# Warnings are errors for developers (make WERROR=1) and in .ci/run, and never for a user,
# whose compiler may warn of more than any that we tried.
WERROR		?=
WERROR_FLAG	:= $(if $(filter 1 y yes,$(WERROR)),-Werror)
HOSTCFLAGS	:= -std=gnu11 -O2 -g -Wall -Wextra $(WERROR_FLAG) -Wmissing-prototypes \
		   -Wstrict-prototypes -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
		   -fstack-protector-strong -Iinclude \
		   -DKSHRAM_VERSION='"$(VERSION)"'
# Guest programs are static: they run in machines that have no libraries.
GUESTCFLAGS	:= $(HOSTCFLAGS) -static
# What the unit tests and the sanitized programs are built with on top.
SANFLAGS	:= -fsanitize=address,undefined -fno-sanitize-recover=all \
		   -fno-omit-frame-pointer

# What is built before something else runs is built on all processors, unless make
# was told how many.
JOBS		= $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

B		:= build
BIN		:= $(B)/bin
GUEST		:= $(B)/guest
OBJ		:= $(B)/obj

.DEFAULT_GOAL	:= help
.DELETE_ON_ERROR:
.SUFFIXES:
# What a chain of pattern rules makes is not rubbish.
.SECONDARY:

include $(sort $(wildcard */build.mk))

.PHONY: help all deps clean

help: ## this list
	@printf 'kshram %s: persistent shared memory as device nodes, and a lab that grades it\n\n' '$(VERSION)'
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: ## build the programs (build/bin) and the guest's (build/guest)
all: $(PROGRAMS) $(GUESTPROGRAMS)

deps: ## install every package that the project needs (all groups)
	@packaging/install-packages demo build kernel test

clean: ## remove what was built here (cached kernels stay)
	rm -rf $(B)

# Suites are commands that print TAP. The long ones come first, so that the
# last to end is a short one. `make test` is bounded; `make soak` is not.
TESTED		:= debug lab stock
SUITES		:= "tests/guest/suite.sh debug" "KSHRAM_TEST_JOBS=2 tests/e2e/hostile.sh" \
		   "KSHRAM_TEST_JOBS=2 tests/e2e/bad.sh" tests/e2e/saved.sh tests/e2e/fuzz.sh tests/e2e/serve.sh \
		   tests/e2e/fuzzers.sh tests/e2e/kills.sh tests/e2e/foreign.sh tests/lint.sh \
		   "tests/guest/suite.sh stock" tests/e2e/vm.sh tests/e2e/kit.sh tests/e2e/submit.sh \
		   tests/e2e/advice.sh tests/e2e/grade.sh tests/e2e/labs.sh tests/e2e/jail.sh \
		   "tests/guest/suite.sh lab" tests/e2e/bench.sh tests/e2e/tools.sh tests/e2e/ctl.sh \
		   tests/e2e/kernel-get.sh tests/e2e/good.sh tests/e2e/lib.sh tests/e2e/load.sh tests/e2e/deb.sh \
		   tests/e2e/checks.sh tests/e2e/builds.sh tests/e2e/nodes.sh tests/e2e/run.sh tests/e2e/systems.sh tests/e2e/packages.sh \
		   tests/e2e/build.sh
# The kernels that the module must build for and load on besides.
MATRIX		:= 5.10 6.1 6.12 7.x
# On which the module's speed is measured: old, and with entries of 2 MiB.
MEASURED	:= 6.1 6.12 7.x
# How often the races are run, and the seconds of resizing under writers.
soak-rounds	= $(if $(filter debug%,$1),400,1200)
soak-storm	= $(if $(filter debug%,$1),600,60)
# Kernels that are fuzzed, and see the foreign programs, beside lab, which is 6.1.
SOAKED		:= 5.10 6.12 7.x
# Kernels with detectors that only the soak runs.
DETECTING	:= debug-7.x
soak-suite	= "ROUNDS=$(call soak-rounds,$1) STORM=$(call soak-storm,$1) tests/guest/suite.sh $1"

.PHONY: demo test kernels test-matrix soak bench

demo: ## install what is missing, build, boot, and grade our module: 100/100
	@packaging/install-packages demo
	@echo "building the grader, the agent and the modules"
	@$(MAKE) -s --no-print-directory $(JOBS) $(BIN)/kshram-grade $(BIN)/kshram-vm module KERNEL=stock
	@$(BIN)/kshram-grade $(B)/stock/kshram.ko || \
		{ status=$$?; $(BIN)/kshram-vm --doctor >&2; exit $$status; }

test: ## install what is missing, and run the tests, bounded, on stock, lab and debug
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all unit-tests $(addprefix modules-,$(TESTED)) \
		$(B)/debug/planted.ko
	@tests/run $(UNIT_TESTS:%="CMOCKA_MESSAGE_OUTPUT=TAP %") $(SUITES)

# The kernels of test and test-matrix, for a machine that builds them first.
kernels:
	@for kernel in $(TESTED) $(MATRIX); do kernel/get $$kernel || exit; done

test-matrix: ## the eight items and the guest tests on 5.10, 6.1, 6.12 and 7.x
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all $(addprefix modules-,$(MATRIX))
	@tests/run $(foreach k,$(MATRIX),"tests/guest/suite.sh $(k)" "tests/e2e/items.sh $(k)")

soak: ## storms, fuzzer, foreign programs and packages for hours instead of seconds
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all \
		$(addprefix modules-,$(TESTED) $(MATRIX) $(DETECTING)) \
		$(B)/debug/planted.ko $(DETECTING:%=$(B)/%/planted.ko)
	@tests/run -t 36000 $(foreach k,debug $(DETECTING),$(call soak-suite,$(k))) "SOAK=1 tests/e2e/fuzz.sh" \
		$(foreach k,$(SOAKED) $(DETECTING),"SOAK=1 KERNEL=$(k) tests/e2e/fuzz.sh") \
		$(foreach k,$(filter-out debug,$(TESTED) $(MATRIX)),$(call soak-suite,$(k))) \
		$(foreach k,lab $(SOAKED),"SOAK=1 KERNEL=$(k) tests/e2e/foreign.sh" \
			"KERNEL=$(k) tests/e2e/lib.sh" "KERNEL=$(k) tests/e2e/tools.sh") \
		"FULL=1 tests/e2e/deb.sh" "SUITES=trixie tests/e2e/nodes.sh" "SOAK=1 tests/e2e/kernel-get.sh" "SOAK=1 tests/e2e/bad.sh" \
		"SOAK=1 tests/e2e/advice.sh" "SOAK=1 tests/e2e/fuzzers.sh" "SOAK=1 tests/e2e/kills.sh" \
		"SOAK=1 tests/e2e/hostile.sh" "SOAK=1 tests/e2e/load.sh" $(SYSTEM_RUNS)

bench: ## the module against other shared memory; a grading's seconds; docs/bench-*.md
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all modules-lab $(addprefix modules-,$(MEASURED))
	@bench/module.sh --output docs $(MEASURED)
	@bench/grading.sh
	@bench/saved.sh >docs/bench-grading.md
	@cat docs/bench-grading.md
	@bench/server.sh --output docs/bench-server.md
	@cat docs/bench-server.md
