# SPDX-License-Identifier: GPL-2.0
#
# tests/fuzzing/: coverage-guided fuzz targets (libFuzzer) for all that parses
# bytes from the network or the guest, and is ours: of HTTP requests to the metrics' port
# libevent reads all, and no answer depends on them. Each fuzz_NAME.c is a program of its own,
# linked with what it tests and nothing else; tests/e2e/fuzzers.sh runs them from
# the seeds in corpus/NAME. Not to be mistaken for tests/fuzz, the module's fuzzer.

FUZZ_CC		:= clang
FUZZ_FLAGS	:= -std=gnu11 -O1 -g -D_GNU_SOURCE -Wall -Wextra $(WERROR_FLAG) -Iinclude -Ipow \
		   -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_TARGETS	:= $(patsubst tests/fuzzing/fuzz_%.c,%,$(wildcard tests/fuzzing/fuzz_*.c))
FUZZERS		:= $(FUZZ_TARGETS:%=$(B)/tests/fuzzing/%)

.PHONY: fuzzers
fuzzers: $(FUZZERS)

FUZZ_DIR	:= $(B)/tests/fuzzing
$(FUZZ_DIR)/talk: submit/talk.c submit/puzzle.c submit/table.c submit/clean.c
$(FUZZ_DIR)/client: submit/client.c submit/json.c submit/encode.c submit/screen.c submit/talk.c \
		submit/puzzle.c submit/table.c submit/clean.c
$(FUZZ_DIR)/pow: pow/pow.c
$(FUZZ_DIR)/wire: grade/wire.c
$(FUZZ_DIR)/module_info: grade/module_info.c grade/module_unpack.c grade/module_child.c grade/text.c
$(FUZZ_DIR)/explain: grade/explain.c grade/trouble.c grade/text.c
$(FUZZ_DIR)/advice: grade/advice.c grade/advice_notes.c grade/advice_rules.c grade/explain.c \
		grade/trouble.c grade/text.c grade/wire.c grade/host_time.c
$(FUZZ_DIR)/grading: tests/fuzzing/guest.c tests/fuzzing/host.c grade/grade.c grade/session.c grade/script.c grade/verbs.c \
		grade/expr.c grade/marks.c grade/lab.c grade/lab_saved.c grade/wire.c grade/witness.c \
		grade/witness_agent.c grade/pagewalk.c grade/flags.c grade/explain.c grade/trouble.c \
		grade/report.c grade/advice_notes.c grade/advice_rules.c grade/text.c serve/verdict.c \
		grade/host_time.c grade/starved.c
$(FUZZ_DIR)/upload: serve/upload.c
$(FUZZ_DIR)/console: serve/console.c
$(FUZZ_DIR)/verdict: serve/verdict.c grade/text.c
$(FUZZ_DIR)/session: serve/session.c serve/dialogue.c serve/upload.c serve/console.c serve/peer.c \
		serve/verdict.c serve/refusal.c grade/text.c pow/pow.c
$(FUZZ_DIR)/record: serve/ctl_commands.c serve/ctl_tables.c serve/listing.c serve/console.c \
		serve/verdict.c grade/text.c
$(FUZZ_DIR)/qmp: grade/qmp.c grade/look.c grade/text.c grade/host_time.c
$(FUZZ_DIR)/vm: grade/vm.c grade/vm_saved.c grade/look.c grade/qmp.c grade/wire.c grade/text.c \
		grade/console_log.c grade/host_time.c
$(FUZZ_DIR)/module_line: grade/module_line.c grade/module_debug.c grade/module_ops.c grade/text.c \
		grade/module_info.c grade/module_unpack.c
$(FUZZ_DIR)/suspect: grade/suspect.c grade/module_info.c grade/flags.c grade/text.c serve/inspect.c \
		grade/module_sample.c grade/module_unpack.c grade/module_child.c grade/module_versions.c grade/symvers.c
$(FUZZ_DIR)/memory: grade/pagewalk.c grade/witness_kernel.c grade/flags.c grade/text.c

$(FUZZERS): $(FUZZ_DIR)/%: tests/fuzzing/fuzz_%.c tests/fuzzing/fuzz.h tests/fuzzing/guest.h \
		$(wildcard submit/*.h pow/*.h grade/*.h serve/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $(filter %.c,$^) -lcrypto -levent -ldw -lelf -ljansson -lcapstone -larchive
