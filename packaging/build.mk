# SPDX-License-Identifier: GPL-2.0
#
# packaging/: Debian packages of the module (by DKMS), the command and the
# library, into build/.

.PHONY: deb

deb: ## build Debian packages: kshram-dkms, kshram-tools, libkshram0, libkshram-dev
deb: $(BIN)/kshram lib
	@packaging/deb.sh $(VERSION) $(B)

# The programs find one another, the agent and the kernels from where they lie, so
# the tree keeps its shape; /usr/bin has links.
SERVERDIR	:= $(DESTDIR)/usr/lib/kshram

.PHONY: install-server

install-server: ## install the challenge server and its systemd unit under $(DESTDIR)/
install-server: all modules-lab
	install -d $(SERVERDIR)/build/bin $(SERVERDIR)/build/guest $(SERVERDIR)/build/lab $(SERVERDIR)/kernel \
		$(SERVERDIR)/lab/kshram \
		$(DESTDIR)/usr/bin $(DESTDIR)/usr/lib/systemd/system $(DESTDIR)/etc
	install $(BIN)/kshramd $(BIN)/kshramctl $(BIN)/kshram-grade $(BIN)/kshram-vm \
		$(SERVERDIR)/build/bin
	install $(GUEST)/kshram-agent $(GUEST)/kshram-jail-init \
		$(GUEST)/kshram-probe $(SERVERDIR)/build/guest
	install -m 644 $(B)/lab/hellomod.ko $(SERVERDIR)/build/lab
	install -m 644 lab/kshram/items $(SERVERDIR)/lab/kshram
	cp -r kernel/. $(SERVERDIR)/kernel
	for p in kshramd kshramctl kshram-grade kshram-vm; do \
		ln -sf ../lib/kshram/build/bin/$$p $(DESTDIR)/usr/bin/$$p; done
	install -m 644 packaging/systemd/kshramd.service $(DESTDIR)/usr/lib/systemd/system
	[ -e $(DESTDIR)/etc/kshramd.conf ] || install -m 644 serve/kshramd.conf $(DESTDIR)/etc
