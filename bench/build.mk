# SPDX-License-Identifier: GPL-2.0
#
# bench/: the program that measures inside the machines.

GUESTPROGRAMS	+= $(GUEST)/bench

$(GUEST)/bench: bench/guest.c bench/measure.c bench/measure.h include/kshram.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -o $@ $(filter %.c,$^)
