# SPDX-License-Identifier: GPL-2.0
#
# The clients of the challenge server. What lies here runs on any Linux on x86-64;
# `make clean all` builds it anew, on macOS too. It needs a C compiler and OpenSSL
# (Debian, Ubuntu: libssl-dev; macOS: brew install openssl).

PROGRAMS := kshram-submit kshram-pow
CFLAGS := -O2 -g -Wall
# Where OpenSSL is: pkg-config knows, or Homebrew, or the compiler by itself.
BREW := $(shell brew --prefix openssl 2>/dev/null)
CRYPTO_CFLAGS := $(shell pkg-config --cflags libcrypto 2>/dev/null || echo $(BREW:%=-I%/include))
CRYPTO_LIBS := $(shell pkg-config --libs libcrypto 2>/dev/null || echo $(BREW:%=-L%/lib) -lcrypto)
ALL_CFLAGS = -std=gnu11 -I. -DKSHRAM_VERSION='"$(shell cat ../VERSION)"' -pthread $(CRYPTO_CFLAGS) \
	$(CFLAGS)

POW := pow.c solve.c encode.c screen.c clean.c
SUBMIT := client.c json.c net.c puzzle.c table.c talk.c $(POW)

all: $(PROGRAMS)

kshram-pow: kshram-pow.c $(POW)
kshram-submit: kshram-submit.c $(SUBMIT)

$(PROGRAMS): $(wildcard *.h)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.c,$^) $(CRYPTO_LIBS)

clean:
	rm -f $(PROGRAMS)

.PHONY: all clean
