# SPDX-License-Identifier: GPL-2.0
#
# The kernel modules: build/KERNEL/kshram.ko and build/KERNEL/hellomod.ko.

MODULE_SRCS	:= $(wildcard module/*.[ch]) module/Kbuild include/kshram.h
# What kernel/kbuild passes on to the kernel's make.
MODULE_MAKE	:= $(if $(WERROR_FLAG),-- KCFLAGS=$(WERROR_FLAG))
HELLO_SRCS	:= $(wildcard lab/hellomod/*.[ch]) lab/hellomod/Kbuild

.PHONY: module
module: ## build kshram.ko and hellomod.ko for KERNEL=NAME (default: stock)
module: modules-$(KERNEL)

# Always asked, since make cannot see when a kernel in the cache has become
# another one; kbuild itself knows when there is nothing to do.
.PHONY: FORCE

$(B)/%/kshram.ko: FORCE
	@kernel/kbuild $* $(@D)/module $(MODULE_SRCS) $(MODULE_MAKE)
	@cmp -s $(@D)/module/kshram.ko $@ || cp $(@D)/module/kshram.ko $@

$(B)/%/hellomod.ko: FORCE
	@kernel/kbuild $* $(@D)/hellomod $(HELLO_SRCS) $(MODULE_MAKE)
	@cmp -s $(@D)/hellomod/hellomod.ko $@ || cp $(@D)/hellomod/hellomod.ko $@

# What tests of that kernel load.
modules-%: $(B)/%/kshram.ko $(B)/%/hellomod.ko ;
