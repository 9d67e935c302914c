# SPDX-License-Identifier: GPL-2.0
#
# tools/: kshram, the command for people who use the devices. The same program is
# built a second time for machines that have no libraries.

TOOLS_SRCS	:= $(wildcard tools/*.c)
TOOLS_HEADERS	:= $(wildcard tools/*.h) include/kshram.h

PROGRAMS	+= $(BIN)/kshram
GUESTPROGRAMS	+= $(GUEST)/kshram

$(BIN)/kshram: $(TOOLS_SRCS) $(TOOLS_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -o $@ $(TOOLS_SRCS) -ljansson

# The linker warns that names of users want libraries at run time: without them
# there are still those of /etc/passwd, and numbers.
$(GUEST)/kshram: $(TOOLS_SRCS) $(TOOLS_HEADERS)
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -Wl,--no-warnings -o $@ $(TOOLS_SRCS) -ljansson

# Linked with what it tests and nothing of the grader's.
$(B)/tests/unit/test_size: tests/unit/test_size.c tools/size.c $(TOOLS_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ tests/unit/test_size.c tools/size.c -lcmocka

# What the end-to-end tests run, with the sanitizers' eyes open.
$(B)/tests/kshram: $(TOOLS_SRCS) $(TOOLS_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $(TOOLS_SRCS) -ljansson
