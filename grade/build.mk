# SPDX-License-Identifier: GPL-2.0
#
# grade/: the grader's library, the programs kshram-vm and kshram-grade, and
# the agent that runs as init in the guest.

# Everything but the programs and what runs in the guest is in the library.
GRADE_LIB_SRCS	:= $(filter-out grade/agent% grade/kshram-% grade/jail_init.c grade/read_text.c,$(wildcard grade/*.c))
GRADE_LIB	:= $(OBJ)/libgrade.a
GRADE_HEADERS	:= $(wildcard grade/*.h) lab/checks/steps.h include/kshram.h
GRADE_LIBS	:= -larchive -lelf -ldw -ljansson -lseccomp -lxxhash -lcapstone

AGENT_SRCS	:= grade/agent.c grade/agent_boot.c grade/agent_run.c grade/agent_restored.c grade/agent_hold.c \
		   grade/agent_worker.c grade/read_text.c grade/wire.c lab/checks/steps.c
AGENT		:= $(GUEST)/kshram-agent

PROGRAMS	+= $(BIN)/kshram-vm $(if $(wildcard grade/kshram-grade.c),$(BIN)/kshram-grade)
# Of the host, but static: it runs where only QEMU's libraries are.
JAIL_INIT	:= $(GUEST)/kshram-jail-init
# What looks at a module as no item does.
PROBE		:= $(GUEST)/kshram-probe
GUESTPROGRAMS	+= $(AGENT) $(JAIL_INIT) $(PROBE)

$(OBJ)/grade/%.o: grade/%.c $(GRADE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(HOSTCFLAGS) -c -o $@ $<

$(GRADE_LIB): $(GRADE_LIB_SRCS:%.c=$(OBJ)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BIN)/kshram-vm: $(OBJ)/grade/kshram-vm.o $(GRADE_LIB) | $(AGENT) $(JAIL_INIT)
	@mkdir -p $(@D)
	$(CC) -o $@ $< $(GRADE_LIB) -larchive -ljansson -lseccomp -lxxhash

$(BIN)/kshram-grade: $(OBJ)/grade/kshram-grade.o $(GRADE_LIB) | $(AGENT) $(JAIL_INIT) $(PROBE)
	@mkdir -p $(@D)
	$(CC) -o $@ $< $(GRADE_LIB) $(GRADE_LIBS)

$(AGENT): $(AGENT_SRCS) $(GRADE_HEADERS) grade/agent.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -Ilab/checks -o $@ $(AGENT_SRCS)

$(JAIL_INIT): grade/jail_init.c grade/jail.h grade/vm.h grade/wire.h
	@mkdir -p $(@D)
	$(CC) $(GUESTCFLAGS) -o $@ $<

$(PROBE): $(wildcard grade/probes/*.c) grade/read_text.c grade/read_text.h grade/probes/probe.h \
		include/kshram.h
	@mkdir -p $(@D)
	$(GUESTCC) $(GUESTCFLAGS) -o $@ $(filter %.c,$^)
