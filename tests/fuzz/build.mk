# SPDX-License-Identifier: GPL-2.0
#
# kshram_fuzz: random operations on kshram.ko, in a machine, against a model.

FUZZ		:= $(GUEST)/kshram_fuzz
GUESTPROGRAMS	+= $(FUZZ)

$(FUZZ): $(wildcard tests/fuzz/*.[ch]) include/kshram.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -o $@ $(filter %.c,$^)
