#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: What was handed in is the source, not the module.
# Score: 20
# Reason: not .*ELF
# usage: text.sh RIGHT.ko OUT.ko
set -eu
printf '#include <linux/module.h>\nint init_module(void);\n' >"$2"
