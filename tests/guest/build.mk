# SPDX-License-Identifier: GPL-2.0
#
# guest_tests: what runs inside the machines, and the faulty module it needs.

GUEST_TEST_SRCS	:= $(wildcard tests/guest/*.c)

GUESTPROGRAMS	+= $(GUEST)/guest_tests

$(GUEST)/guest_tests: $(GUEST_TEST_SRCS) $(wildcard tests/guest/*.h) include/kshram.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -pthread -o $@ $(GUEST_TEST_SRCS)

$(B)/%/planted.ko: FORCE
	@kernel/kbuild $* $(@D)/planted tests/guest/modules/planted.c tests/guest/modules/Kbuild $(MODULE_MAKE)
	@cmp -s $(@D)/planted/planted.ko $@ || cp $(@D)/planted/planted.ko $@
