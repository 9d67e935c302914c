#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: An empty file: the upload or the disk was full.
# Score: 20
# Reason: empty|not .*ELF
# usage: empty.sh RIGHT.ko OUT.ko
set -eu
: >"$2"
