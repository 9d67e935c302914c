# SPDX-License-Identifier: GPL-2.0
#
# What a course hands out: the check programs (static, for the guest) and the
# development kit. The sample module is built by module/build.mk.

CHECKS		:= $(addprefix $(GUEST)/,check_msg check_resize check_fork)
GUESTPROGRAMS	+= $(CHECKS)

$(CHECKS): $(GUEST)/%: lab/checks/%.c lab/checks/check.c lab/checks/steps.c \
		lab/checks/check.h lab/checks/steps.h include/kshram.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -o $@ $(filter %.c,$^)

KIT		:= $(B)/kshram-kit-$(VERSION).tar.bz2

.PHONY: kit
kit: ## pack the development kit for students
	@packaging/install-packages demo build kernel
	@$(MAKE) --no-print-directory $(KIT)
	@echo "$(KIT): $$(du -h $(KIT) | cut -f 1) for students; its lab.md is the assignment"

# The cached kernel is no file that make could watch; kernel/get says at once where
# it is when it is there.
# The clients are built by submit/build.mk, which is read after this file.
$(KIT): $(CHECKS) $(B)/kit/kshram-submit $(B)/kit/kshram-pow \
		$(shell find lab kernel include/kshram.h pow submit -type f)
	kernel=$$(kernel/get lab) && lab/kit/pack.sh "$$kernel" $(VERSION) $(GUEST) $(B)/kit $@
