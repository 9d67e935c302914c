# SPDX-License-Identifier: GPL-2.0
#
# tests/systems/: the tests on other releases of Debian, in throw-away systems.

# What differs most between releases: the emulator, the compiler, the libraries.
SHORT_SUITES	:= tests/e2e/saved.sh tests/e2e/kit.sh tests/e2e/grade.sh tests/e2e/jail.sh tests/e2e/deb.sh
SYSTEMS		:= trixie sid
SYSTEM_RUNS	:= $(SYSTEMS:%="tests/systems/run --tap --record all %") \
		   $(patsubst %,"tests/systems/run --tap --record readme %",bookworm $(SYSTEMS)) \
		   "tests/systems/run --tap --record arm64 bookworm"

.PHONY: test-short prepare-short test-debian test-trixie test-systems

prepare-short:
	@packaging/install-packages demo build kernel test
	@for kernel in stock lab; do kernel/get $$kernel || exit; done

test-short: ## unit tests, and the suites grade, jail, saved, kit, deb on stock and lab
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all unit-tests modules-stock modules-lab
	@tests/run $(UNIT_TESTS:%="CMOCKA_MESSAGE_OUTPUT=TAP %") $(SHORT_SUITES)

# The packages installed in a machine, once.
test-debian:
	@packaging/install-packages demo build kernel test
	@$(MAKE) -s --no-print-directory $(JOBS) all
	@tests/run -t 7200 "VM=1 tests/e2e/deb.sh"

test-trixie: ## make demo and test-short on Debian 13, at most eight minutes when it was made before
	@tests/systems/run --limit 900 short trixie || [ $$? -eq 77 ]

test-systems: ## all tests on Debian 13 and unstable, and README's commands on 12, 13, unstable
	@tests/run -j 1 -t 36000 $(SYSTEM_RUNS)
