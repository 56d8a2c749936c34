// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A vmnet.framework for tests of the broker that need neither root nor real
 * networks: it does what the test tells it to do, counts the objects that exist,
 * and ends the process when it is used wrongly. standin_fail() and standin_hang() work as with the
 * stand-in's.
 */

#ifndef BROKER_VMNET_H
#define BROKER_VMNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of starting an interface. */
enum fake_start {
	START_WELL,
	START_NULL,             /* refused at once */
	START_BADLY,            /* the handler says VMNET_FAILURE */
	START_TWICE,            /* the handler is called twice */
	START_NULL_AND_HANDLER, /* refused at once, and the handler called */
	START_SILENT,           /* until fake_vmnet_answer(): it failed */
};

/*
 * The result of stopping one. Before its start was answered, and after the start
 * failed, it cannot be stopped: vmnet_stop_interface() refuses that as the
 * stand-in's does.
 */
enum fake_stop {
	STOP_WELL,
	STOP_REFUSED, /* VMNET_FAILURE at once, no handler */
	STOP_BADLY,   /* the handler says VMNET_FAILURE */
	STOP_TWICE,
	STOP_SILENT, /* until fake_vmnet_answer() */
};

struct fake_vmnet {
	_Atomic enum fake_start start;
	_Atomic enum fake_stop stop;
	_Atomic uint32_t mask;   /* of the networks, host order */
	_Atomic uint32_t in_use; /* this subnet is refused; 0: none */
	_Atomic bool refuse_all; /* every subnet that is asked for */
	_Atomic uint32_t asked;  /* the last one asked for; 0: none */
};

extern struct fake_vmnet fake_vmnet;

/* Everything as after the start; counts are not touched. */
void fake_vmnet_reset(void);

/* Gives the oldest answer that is owed. false: none is. */
bool fake_vmnet_answer(void);

/* Objects alive now. */
int fake_vmnet_configurations(void);
int fake_vmnet_networks(void);
int fake_vmnet_copies(void);
int fake_vmnet_interfaces(void);

/* What was set of networks since the last time, a line each, and forgets it. */
void fake_vmnet_take_settings(char *text, size_t size);

/* Networks that were made since the reset. */
int fake_vmnet_created(void);

#endif
