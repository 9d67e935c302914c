#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: Built for a kernel that is not there.
# Score: 20
# Reason: 9\.9
# usage: wrong_vermagic.sh RIGHT.ko OUT.ko
set -eu
# Same length, so that nothing in the file moves.
LC_ALL=C sed 's/vermagic=[0-9]\.[0-9]/vermagic=9.9/' "$1" >"$2"
