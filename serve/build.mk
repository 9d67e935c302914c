# SPDX-License-Identifier: GPL-2.0
#
# serve/: the challenge server kshramd, kshramctl for the instructor, and the
# library that both share.

CTL_SRCS	:= $(wildcard serve/ctl*.c)
# Everything but the programs' own files is in the library.
SERVE_MAINS	:= $(wildcard serve/kshramd.c serve/kshramctl.c)
SERVE_LIB_SRCS	:= $(filter-out $(SERVE_MAINS) $(CTL_SRCS),$(wildcard serve/*.c))
SERVE_LIB	:= $(OBJ)/libserve.a
SERVE_HEADERS	:= $(wildcard serve/*.h pow/*.h grade/*.h) include/kshram.h
SERVE_LIBS	:= -lsqlite3 -levent -ljansson -lcrypto

SERVE_PROGRAMS	:= $(SERVE_MAINS:serve/%.c=$(BIN)/%)
PROGRAMS	+= $(SERVE_PROGRAMS)

$(OBJ)/serve/%.o: serve/%.c $(SERVE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -c -o $@ $<

$(SERVE_LIB): $(SERVE_LIB_SRCS:%.c=$(OBJ)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

# GRADE_LIB and POW_LIB are set by build.mk files that are read before this one.
$(SERVE_PROGRAMS): $(BIN)/%: $(OBJ)/serve/%.o $(SERVE_LIB) $(POW_LIB) $(GRADE_LIB)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(SERVE_LIB) $(POW_LIB) $(GRADE_LIB) $(GRADE_LIBS) \
		$(SERVE_LIBS)

$(BIN)/kshramctl: $(CTL_SRCS:%.c=$(OBJ)/%.o)

# The same with the sanitizers, for the unit tests; objects by tests/build.mk.
SERVE_SAN_LIB	:= $(OBJ)/san/libserve.a

$(SERVE_SAN_LIB): $(SERVE_LIB_SRCS:%.c=$(OBJ)/san/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

# What the end-to-end tests run, with the sanitizers' eyes open.
$(B)/tests/kshramd: $(OBJ)/san/serve/kshramd.o $(SERVE_SAN_LIB) $(POW_SRCS:%.c=$(OBJ)/san/%.o) \
		$(OBJ)/san/libgrade.a
	@mkdir -p $(@D)
	$(CC) $(SANFLAGS) -pthread -o $@ $^ $(GRADE_LIBS) $(SERVE_LIBS)

# What measures this library's own work; built and run by bench/server.sh.
$(B)/bench/verify: bench/verify.c $(SERVE_HEADERS) $(SERVE_LIB) $(POW_LIB) $(GRADE_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -o $@ $< $(SERVE_LIB) $(POW_LIB) $(GRADE_LIB) $(GRADE_LIBS) \
		$(SERVE_LIBS)
