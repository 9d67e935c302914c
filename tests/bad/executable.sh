#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: A program instead of a module.
# Score: 20
# Reason: (executable|program|relocatable|ET_REL|not a kernel module)
# usage: executable.sh RIGHT.ko OUT.ko
set -eu
cp "$(command -v cp)" "$2"
