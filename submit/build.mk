# SPDX-License-Identifier: GPL-2.0
#
# submit/: the clients of the challenge server, for this machine (build/bin) and,
# static, for the kit (build/kit): those run on any Linux.

SUBMIT_HEADERS	:= $(wildcard submit/*.h) $(POW_HEADERS)
# What both programs need; the rest but their own files is kshram-submit's.
POW_TOOL_SRCS	:= submit/kshram-pow.c submit/clean.c submit/encode.c submit/screen.c $(POW_SRCS)
SUBMIT_SRCS	:= $(filter-out submit/kshram-pow.c,$(wildcard submit/*.c)) $(POW_SRCS)
# What students build elsewhere is built here as if this were elsewhere: C11 and
# POSIX, and nothing of one library's own.
SUBMIT_CFLAGS	:= $(filter-out -D_GNU_SOURCE -std=%,$(HOSTCFLAGS)) -std=c11 \
		   -D_POSIX_C_SOURCE=200809L -Ipow -pthread

PROGRAMS	+= $(BIN)/kshram-submit $(BIN)/kshram-pow
KITPROGRAMS	:= $(B)/kit/kshram-submit $(B)/kit/kshram-pow

$(BIN)/kshram-submit $(B)/kit/kshram-submit $(B)/tests/kshram-submit: $(SUBMIT_SRCS)
$(BIN)/kshram-pow $(B)/kit/kshram-pow $(B)/tests/kshram-pow: $(POW_TOOL_SRCS)

$(BIN)/kshram-submit $(BIN)/kshram-pow: $(SUBMIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SUBMIT_CFLAGS) -o $@ $(filter %.c,$^) $(POW_LIBS)

# The linker warns that names of hosts want libraries at run time. Without them
# numbers and the names in /etc/hosts remain, and DNS where /etc/resolv.conf has it.
$(KITPROGRAMS): $(SUBMIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SUBMIT_CFLAGS) -static -Wl,--no-warnings -o $@ $(filter %.c,$^) $(POW_LIBS)

# What the end-to-end tests run, with the sanitizers' eyes open.
$(B)/tests/kshram-submit $(B)/tests/kshram-pow: $(SUBMIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SUBMIT_CFLAGS) $(SANFLAGS) -o $@ $(filter %.c,$^) $(POW_LIBS)

# Linked with what it tests and nothing of the grader's.
TALK_SRCS	:= submit/talk.c submit/puzzle.c submit/table.c submit/clean.c

$(B)/tests/unit/test_talk: tests/unit/test_talk.c $(TALK_SRCS) submit/net.c $(SUBMIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $(filter %.c,$^) -lcmocka
