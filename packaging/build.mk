# SPDX-License-Identifier: GPL-2.0
#
# packaging/: Debian packages of the module (by DKMS), the command and the
# library, into build/.

.PHONY: deb

deb: ## build Debian packages: kshram-dkms, kshram-tools, libkshram0, libkshram-dev
deb: $(BIN)/kshram lib
	@packaging/deb.sh $(VERSION) $(B)
