// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A probe: a small program that tests one assumption about macOS. It prints
 *
 *	VERDICT: DETAIL          holds, does not hold, or cannot tell
 *	assumes: SENTENCE
 *	product: SENTENCE        what the product does in this case
 *
 * and exits with 0, whatever the verdict is. ./run makes a table of all of them.
 *
 * run() is called on a thread of its own and ends with one of the verdicts. A
 * crash is a verdict, too: "does not hold". No answer within 90 seconds is
 * "cannot tell".
 */

#ifndef PROBE_H
#define PROBE_H

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

struct probe {
	const char *assumes;
	const char *if_holds; /* what the product does then */
	const char *if_not;
	void (*run)(void);
};

/* Each program defines it. */
extern const struct probe probe;

#define PROBE_VERDICT __attribute__((noreturn, format(printf, 1, 2)))
void holds(const char *format, ...) PROBE_VERDICT;
void does_not_hold(const char *format, ...) PROBE_VERDICT;
void cannot_tell(const char *format, ...) PROBE_VERDICT;

/* --- Networks ------------------------------------------------------------ */

/* Never NULL; the subnet's gateway and prefix length may be NULL and 0. */
vmnet_network_configuration_ref configure(
    vmnet_mode_t mode, const char *gateway, int length);

/* The network or NULL, with the status; takes the configuration. An answer for
 * a program without the entitlement is "cannot tell". */
vmnet_network_ref try_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status);

/* The same; a failure is "cannot tell". */
vmnet_network_ref create(vmnet_network_configuration_ref config);

/* Another reference, made from the serialization. */
vmnet_network_ref copy_network(vmnet_network_ref network);

/* An address of 172.24.0.0/13 that depends on the process: the address of a
 * gateway, if host is 1. The text is valid until the next call. */
const char *subnet_address(int host);

/* Does an interface of this computer have the address? */
bool is_own_address(struct in_addr address);

/* A process that owns a network with this gateway. It ends when it is killed,
 * or exits without a release when the pipe is closed. */
pid_t owner_start(const char *gateway, int *pipe_end);

/* The verdict: whether the subnet can be used again when the owner has
 * ended. */
void check_free_after(pid_t owner, const char *gateway)
    __attribute__((noreturn));

/* Both leave a subnet in use until the next restart if the assumption does not
 * hold: "cannot tell", unless PROBES_ALL is set. */
void ask_before_harm(void);

/* --- The broker ---------------------------------------------------------- */

/* The reply, or "cannot tell". */
xpc_object_t ask_broker(const char *command);

/* The serialization of the broker's network "host", or "cannot tell". */
xpc_object_t acquire(void);

/* --- port.c: interfaces -------------------------------------------------- */

struct port {
	interface_ref interface;
	dispatch_queue_t queue;
	uint8_t mac[6];
	size_t frame_max;
};

/* Start and stop wait for vmnet's answer and return its status. Checksum and
 * TSO offload are on, as for the broker's own interface. */
vmnet_return_t port_start(struct port *port, vmnet_network_ref network);
vmnet_return_t port_stop(struct port *port);

/* One frame. */
void port_send(struct port *port, const void *frame, size_t size);

/* Reads until a frame is wanted; false if there is none within 10 seconds. */
bool port_wait(
    struct port *port, bool (^wanted)(const uint8_t *frame, size_t size));

/* The same for a guest, which answers ARP requests for its address. */
bool guest_wait(struct port *port, struct in_addr address,
    bool (^wanted)(const uint8_t *frame, size_t size));

/* Asks for an address by DHCP, as the guest with that MAC address; once in a
 * process. */
struct in_addr guest_dhcp(
    struct port *port, vmnet_network_ref network, const uint8_t *mac);

/* A network with a reservation; and the verdict: whether a guest on a new
 * interface gets the address that is reserved. */
vmnet_network_ref create_with_reservation(void);
void check_reservation(struct port *port, vmnet_network_ref network)
    __attribute__((noreturn));

#endif
