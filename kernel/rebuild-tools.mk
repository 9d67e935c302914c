# SPDX-License-Identifier: GPL-2.0
#
# Compile again the host programs that building a module runs (fixdep, modpost,
# objtool), on a machine where the ones in this tree do not run: an arm64 Linux, for
# example. Needs make, a C compiler and libelf-dev; the cross compiler is for the modules.
#
#	make -C build -f rebuild-tools.mk
#	make -C build ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- M=$PWD/hellomod modules
#
# The kernel's own `make modules_prepare` would need most of the kernel's source. What
# it generates by running the target's compiler is in this tree already.

HOSTCC ?= gcc
override HOSTCFLAGS += -O2 -std=gnu11 -w -fomit-frame-pointer -Iscripts/include

modpost_sources := $(wildcard $(addprefix scripts/mod/, modpost.c file2alias.c sumversion.c symsearch.c))

.PHONY: all fixdep modpost objtool
all: fixdep modpost objtool

fixdep:
	$(HOSTCC) $(HOSTCFLAGS) -o scripts/basic/fixdep scripts/basic/fixdep.c

modpost:
	$(HOSTCC) $(HOSTCFLAGS) -o scripts/mod/modpost $(modpost_sources)

# Objects of the other machine would be taken for up to date. A machine that has only
# pkg-config, or only libelf itself, is served by objtool's own Makefile.
objtool:
	find tools/objtool tools/lib tools/build \( -name '*.o' -o -name '*.a' -o -name '*.cmd' \) -delete
	rm -f tools/objtool/objtool tools/objtool/fixdep tools/build/fixdep
	$(MAKE) -C tools/objtool ARCH=x86_64 HOSTCC='$(HOSTCC)' CROSS_COMPILE= objtool=
