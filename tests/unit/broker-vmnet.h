// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A fake vmnet.framework for tests of the broker without root and without real
 * networks. The test chooses the results; the fake counts the objects that
 * exist, and ends the process if it is used incorrectly. standin_fail() and
 * standin_hang() work as with the stand-in's vmnet.
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
	START_BADLY,            /* the handler gets VMNET_FAILURE */
	START_TWICE,            /* the handler is called twice */
	START_NULL_AND_HANDLER, /* refused at once, and the handler called */
	START_SILENT,           /* fails at fake_vmnet_answer() */
};

/*
 * The result of stopping one. While it is starting, and after a failed start,
 * vmnet_stop_interface() fails as in the stand-in.
 */
enum fake_stop {
	STOP_WELL,
	STOP_REFUSED, /* VMNET_FAILURE at once, no handler */
	STOP_BADLY,   /* the handler gets VMNET_FAILURE */
	STOP_TWICE,
	STOP_SILENT, /* no answer until fake_vmnet_answer() */
};

struct fake_vmnet {
	_Atomic enum fake_start start;
	_Atomic enum fake_stop stop;
	_Atomic uint32_t mask;   /* of the networks, host order */
	_Atomic uint32_t in_use; /* the subnet that is refused; 0: none */
	_Atomic bool refuse_all; /* every requested subnet is refused */
	_Atomic uint32_t asked;  /* the last requested subnet; 0: none */
};

extern struct fake_vmnet fake_vmnet;

/* Restores the defaults, but not the counts of objects. */
void fake_vmnet_reset(void);

/* Gives the oldest outstanding answer. False: there is none. */
bool fake_vmnet_answer(void);

/* The number of objects that exist. */
int fake_vmnet_configurations(void);
int fake_vmnet_networks(void);
int fake_vmnet_copies(void);
int fake_vmnet_interfaces(void);

/* Returns the settings of networks since the last call, one per line. */
void fake_vmnet_take_settings(char *text, size_t size);

/* The number of networks created since the reset. */
int fake_vmnet_created(void);

#endif
