# SPDX-License-Identifier: GPL-2.0
#
# pow/: the puzzle, a library that the server and the clients share. Who links
# $(POW_LIB) adds $(POW_LIBS).

POW_SRCS	:= $(wildcard pow/*.c)
POW_HEADERS	:= $(wildcard pow/*.h)
POW_LIB		:= $(OBJ)/libpow.a
POW_LIBS	:= -lcrypto -pthread

$(OBJ)/pow/%.o: pow/%.c $(POW_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -pthread -c -o $@ $<

$(POW_LIB): $(POW_SRCS:%.c=$(OBJ)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

# Linked with what it tests and nothing of the grader's.
$(B)/tests/unit/test_pow: tests/unit/test_pow.c $(POW_SRCS) $(POW_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) $(SANFLAGS) -pthread -o $@ $< $(POW_SRCS) -lcmocka $(POW_LIBS)
