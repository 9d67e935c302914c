# SPDX-License-Identifier: GPL-2.0
#
# tests/: the host's unit tests. Each tests/unit/test_NAME.c is a program of its
# own, linked with the grader's and the server's libraries built with ASan and UBSan.

UNIT_TESTS	:= $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
SAN_LIB		:= $(OBJ)/san/libgrade.a
UNIT_LIBS	:= -lcmocka $(GRADE_LIBS) $(SERVE_LIBS)

.PHONY: unit-tests test-programs

unit-tests: $(UNIT_TESTS)

# All that is compiled for the tests of the host, so that one command shows every warning.
test-programs: unit-tests fuzzers $(addprefix $(B)/tests/,kshramd kshramctl kshram-submit kshram-pow \
		kshram fill spoil preload.so killpoint.so faults.so) $(B)/bench/verify

$(OBJ)/san/%.o: %.c $(GRADE_HEADERS) $(SERVE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -c -o $@ $<

# What is in them is set by grade/build.mk and serve/build.mk, read before this file.
$(SAN_LIB): $(GRADE_LIB_SRCS:%.c=$(OBJ)/san/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/tests/unit/test_%: tests/unit/test_%.c $(wildcard tests/unit/*.h) $(SERVE_SAN_LIB) $(POW_SAN_LIB) $(SAN_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $< $(SERVE_SAN_LIB) $(POW_SAN_LIB) $(SAN_LIB) \
		$(UNIT_LIBS)

# What the end-to-end tests run, with the sanitizers' eyes open.
$(B)/tests/kshramctl: serve/kshramctl.c $(CTL_SRCS) $(SERVE_SAN_LIB) $(SAN_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $(filter %.c %.a,$^) $(GRADE_LIBS) $(SERVE_LIBS)

$(B)/tests/fill: tests/serve/fill.c $(SERVE_SAN_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $< $(SERVE_SAN_LIB) $(SERVE_LIBS)

$(B)/tests/spoil: tests/e2e/saved/spoil.c $(SAN_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -o $@ $< $(SAN_LIB) $(GRADE_LIBS)

# Preloaded into a grader whose host is to fail it.
$(B)/tests/preload.so: tests/e2e/saved/preload.c
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -fPIC -shared -o $@ $<

# Preloaded into a server that is to end at an exact place.
$(B)/tests/killpoint.so: tests/serve/killpoint.c
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -fPIC -shared -o $@ $<

# Preloaded into one whose host is to fail it.
$(B)/tests/faults.so: tests/serve/faults.c
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -fPIC -shared -o $@ $<

-include tests/systems/build.mk tests/guest/build.mk tests/fuzz/build.mk tests/fuzzing/build.mk
