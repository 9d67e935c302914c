# SPDX-License-Identifier: GPL-2.0
#
# libkshram, for programs that use the slots: build/lib/libkshram.{a,so},
# installed together with the ABI's header by `make install-lib`.

DESTDIR		?=
PREFIX		?= /usr
LIBDIR		?= $(PREFIX)/lib

LIB_SRCS	:= $(wildcard lib/*.c)
LIB_HEADERS	:= $(wildcard lib/*.h) include/kshram.h include/libkshram.h
LIB_SONAME	:= libkshram.so.0
LIB_SO		:= libkshram.so.$(VERSION)
LIB_STATIC	:= $(B)/lib/libkshram.a
LIB_CFLAGS	:= $(HOSTCFLAGS) -D_FILE_OFFSET_BITS=64
LIB_CALLS	:= open open_node close resize follow wait lock unlock

.PHONY: lib install-lib

lib: ## build libkshram, for programs (build/lib)
lib: $(LIB_STATIC) $(B)/lib/$(LIB_SO) $(B)/lib/libkshram.pc

$(B)/lib/%.o: lib/%.c $(LIB_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -c -o $@ $<

$(B)/lib/%.lo: lib/%.c $(LIB_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -fPIC -c -o $@ $<

$(LIB_STATIC): $(LIB_SRCS:lib/%.c=$(B)/lib/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/lib/$(LIB_SO): $(LIB_SRCS:lib/%.c=$(B)/lib/%.lo) lib/libkshram.map
	$(CC) -shared -Wl,-soname,$(LIB_SONAME),--version-script,lib/libkshram.map,-z,defs,-z,relro \
		-o $@ $(filter %.lo,$^)

# Always anew: what it says depends on PREFIX and LIBDIR.
$(B)/lib/libkshram.pc: lib/libkshram.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

install-lib: lib ## install libkshram and the headers (DESTDIR, PREFIX=/usr, LIBDIR)
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 include/kshram.h include/libkshram.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(LIB_STATIC) $(B)/lib/$(LIB_SO) $(DESTDIR)$(LIBDIR)
	ln -sf $(LIB_SO) $(DESTDIR)$(LIBDIR)/$(LIB_SONAME)
	ln -sf $(LIB_SONAME) $(DESTDIR)$(LIBDIR)/libkshram.so
	install -m 644 $(B)/lib/libkshram.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 docs/libkshram.3 $(DESTDIR)$(PREFIX)/share/man/man3
	for call in $(LIB_CALLS); do \
		ln -sf libkshram.3 $(DESTDIR)$(PREFIX)/share/man/man3/kshram_$$call.3 || exit; done

# What tests/e2e/lib.sh runs in machines.
LIB_TESTS	:= $(GUEST)/libkshram_tests
GUESTPROGRAMS	+= $(LIB_TESTS)

$(LIB_TESTS): $(wildcard tests/libkshram/*.[ch]) tests/guest/tap.h $(LIB_STATIC) $(LIB_HEADERS)
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -pthread -o $@ $(filter %.c,$^) $(LIB_STATIC)
