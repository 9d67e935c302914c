#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mistake: A module for another processor: the machine in its ELF header says i386.
# Score: 20
# Reason: x86-64|x86_64
# usage: i386.sh RIGHT.ko OUT.ko
set -eu
# e_machine, the two bytes at 18: EM_386 is 3.
cp "$1" "$2"
printf "\003\000" | dd of="$2" bs=1 seek=18 conv=notrunc status=none
