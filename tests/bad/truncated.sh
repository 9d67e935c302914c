#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: The second half of the module is missing.
# Score: 20
# Reason: truncated|cut|incomplete|end of the file|damaged|not a
# usage: truncated.sh RIGHT.ko OUT.ko
set -eu
size=$(wc -c <"$1")
head -c "$((size / 2))" "$1" >"$2"
