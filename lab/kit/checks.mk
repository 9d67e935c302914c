# SPDX-License-Identifier: GPL-2.0
#
# The check programs, as they are in the machine already (/bin there). `make`
# builds them again, `make CC=x86_64-linux-gnu-gcc` on another kind of machine.

PROGRAMS := check_msg check_resize check_fork
CFLAGS := -O2 -g -Wall -static
ALL_CFLAGS = -std=gnu11 -I../kshram -DKSHRAM_VERSION='"$(shell cat ../VERSION)"' $(CFLAGS)

all: $(PROGRAMS)

$(PROGRAMS): %: %.c check.c steps.c check.h steps.h ../kshram/kshram.h
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.c,$^)

clean:
	rm -f $(PROGRAMS)

.PHONY: all clean
