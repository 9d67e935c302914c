# SPDX-License-Identifier: GPL-2.0
#
# bench/: the program that measures inside the machines.

GUESTPROGRAMS	+= $(GUEST)/bench

$(GUEST)/bench: bench/guest.c include/kshram.h
	@mkdir -p $(@D)
	$(CC) $(GUESTCFLAGS) -o $@ $<

# What measures the server's own work runs here; built by bench/server.sh.
$(B)/bench/verify: bench/verify.c serve/upload.c serve/upload.h pow/pow.c pow/pow.h
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -o $@ $(filter %.c,$^) -lcrypto
