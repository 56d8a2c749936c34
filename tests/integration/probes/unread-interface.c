// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#define BATCHES 60
#define FRAMES 50 /* of a batch: fewer than the queue of an interface holds */

/* A broadcast of the type for local experiments. */
static void fill(uint8_t *frame, const struct port *from, int batch, int number)
{
	memset(frame, 0xff, 6);
	memcpy(frame + 6, from->mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	frame[14] = (uint8_t)batch;
	frame[15] = (uint8_t)number;
}

static void run(void)
{
	vmnet_network_ref network = create(configure(VMNET_HOST_MODE, NULL, 0));
	struct port unread = { 0 }, from = { 0 }, to = { 0 };
	uint8_t bytes[1000] = { 0 }, *frame = bytes;

	if (port_start(&unread, network) != VMNET_SUCCESS ||
	    port_start(&from, network) != VMNET_SUCCESS ||
	    port_start(&to, network) != VMNET_SUCCESS) {
		cannot_tell("cannot start three interfaces on a network");
	}
	for (int batch = 0; batch < BATCHES; batch++) {
		for (int i = 0; i < FRAMES; i++) {
			fill(frame, &from, batch, i);
			port_send(&from, frame, sizeof(bytes));
		}
		if (!port_wait(&to, ^bool(const uint8_t *got, size_t size) {
			    return size >= 16 && memcmp(got, frame, 16) == 0;
		    })) {
			does_not_hold(
			    "no frame arrived after %d", batch * FRAMES);
		}
	}
	holds("%d broadcasts reached the other interface", BATCHES * FRAMES);
}

const struct probe probe = {
	.assumes =
	    "an interface whose frames are not read does not affect others",
	.if_holds = "the broker never reads from its own interface",
	.if_not = "set \"anchor\": false for the networks in networks.json",
	.run = run,
};
