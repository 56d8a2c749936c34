// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnetd owns the networks of the sandbox, as one system daemon owns them on
 * macOS: single thread, one loop, everything here is called from it.
 *
 * A network is
 *
 *	idle       created, its subnet reserved; no interface, and nothing of it
 *	           in the kernel
 *	starting   the first interface was attached: the bridge is there, dnsmasq
 *	           is starting
 *	running    interfaces have reported their start
 *	orphaned   its owner was killed; only its subnet is left, and stays taken
 *
 * idle -> starting -> running -> idle as interfaces come and go; removed from
 * any state when the owner releases it or exits. A network of the older API (no
 * owner) is made by its first interface and removed with its last.
 */

#ifndef VMNETD_H
#define VMNETD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../common/log.h"
#include "../common/loop.h"
#include "../vmnet/vmnet-wire.h"

/* The numbers of vmnet_return_t and vmnet_mode_t; no Apple header here. */
enum {
	STATUS_SUCCESS = 1000,
	STATUS_FAILURE = 1001,
	STATUS_MEM_FAILURE = 1002,
	STATUS_INVALID_ARGUMENT = 1003,
};

enum { MODE_HOST = 1000, MODE_SHARED = 1001 };

struct options {
	const char *socket;      /* where clients connect */
	char directory[256];     /* leases; beside the socket */
	bool orphan_subnets;     /* a killed owner's subnet stays taken */
	bool orphan_exits;       /* also of one that did not release it */
	bool lapse_reservations; /* the last interface takes them along */
	bool loopback_forwarding;
	bool bootpd_files; /* those of macOS, in /etc and /var/db */
	bool verbose;
};

extern struct options options;

/*
 * vmnetd-run.c
 */

/* Runs a command with text as its input; 0, or -1 after logging the error. */
int run_command(const char *const argv[], const char *text, size_t length);

/* Starts a command that dies with us, *output its stderr; pid or -1. */
pid_t run_start(const char *const argv[], int *output);

/* Terminates it, and waits until it has exited. */
void run_end(pid_t pid);

/* Writes a setting below /proc/sys; 0, or -1 with errno. */
int run_sysctl(const char *path, const char *value);

/*
 * vmnetd-client.c
 */

struct client {
	struct watch watch; /* first: the loop hands it back */
	struct client *next;
	pid_t pid;
	uid_t uid;
	bool goodbye;
};

/* Serves connections on a listening socket; 0, or -1 with errno. */
int client_listen(const char *path);
void client_close_all(void);

/* Replies, with fd if it is >= 0. A client that does not read is dropped. */
void client_reply(
    struct client *client, void *reply, size_t length, uint32_t status, int fd);

/*
 * vmnetd-network.c
 */

enum network_state {
	NETWORK_IDLE,
	NETWORK_STARTING,
	NETWORK_RUNNING,
	NETWORK_ORPHANED,
};

struct network {
	struct network *next;
	enum network_state state;
	struct wire_network config;
	struct wire_reservation *reservations;
	struct wire_rule *rules;
	uint32_t reservation_count;
	uint32_t rule_count;
	struct client *owner; /* NULL: older API, or orphaned. */
	pid_t owner_pid;      /* for display only */
	uid_t owner_uid;
	bool legacy;
	struct wire_legacy legacy_key;
	struct in_addr pool_end; /* zero: the last of the subnet */
	/* From starting on: */
	int bridge;  /* bridgeN; -1: no bridge. */
	bool routed; /* rules send its packets out of its interface */
	struct dhcp *dhcp;
};

extern struct network *networks;

/* Status; *network only on success. */
uint32_t network_create(struct client *owner, const struct wire_create *request,
    struct network **network);
uint32_t network_legacy(struct client *client, const struct wire_legacy *legacy,
    struct network **network);
struct network *network_find(const uint8_t id[WIRE_ID_SIZE]);

/* For the first interface: starts bridge and dnsmasq. Returns a status; the
 * state shows the progress. */
uint32_t network_start(struct network *network);

/* Called after an interface has left: removes the bridge if it was the last
 * one. */
void network_settle(struct network *network);

/* The owner released the network or exited. All interfaces lose their link. */
void network_remove(struct network *network);

/* The owner's connection has ended. */
void network_client_gone(struct client *client, bool killed);

/* dnsmasq has started to serve, or has failed. */
void network_dhcp_ready(struct network *network);
void network_dhcp_failed(struct network *network);

/* Removes all networks, before the exit. */
void network_close_all(void);

/*
 * vmnetd-check.c: what is accepted, and what the system chooses.
 */

/* Fills in defaults. Returns a status. */
uint32_t check_network(struct wire_network *config, uid_t caller);
uint32_t check_items(const struct wire_reservation *reservations,
    uint32_t reservation_count, const struct wire_rule *rules,
    uint32_t rule_count);
bool check_rule(const struct wire_rule *rule);

/* First and last address of the DHCP pool; false when it is empty. */
bool check_pool(
    const struct network *network, struct in_addr *first, struct in_addr *last);

/*
 * vmnetd-interface.c
 */

struct interface {
	struct interface *next;
	uint32_t id;
	int tap; /* vmenetN */
	int fd;  /* until it is handed over, then -1 */
	uint8_t mac[WIRE_MAC_SIZE];
	bool isolated;
	bool offload;
	bool waiting; /* for the network to run, then sequence is answered */
	uint32_t sequence;
	struct network *network;
	struct client *client;
	struct wire_rule *rules; /* added by the older API */
	uint32_t rule_count;
};

extern struct interface *interfaces;

/* Sends the reply, immediately or when the network runs. */
void interface_start(struct client *client, const struct wire_start *request);

/* An unknown interface was removed before: this is no error. */
void interface_stop(struct client *client, uint32_t id);
struct interface *interface_find(struct client *client, uint32_t id);
unsigned interface_count(const struct network *network);
/* Returns whether its bridge has TSO: one interface without it disables it for
 * all. */
bool interface_tso(const struct network *network);

/* Answers all interfaces that wait for this network. */
void interface_network_started(struct network *network, uint32_t status);
/* Destroys all interfaces on the network; clients find a dead descriptor. */
void interface_network_gone(struct network *network);
void interface_client_gone(struct client *client);

uint32_t interface_rule_add(
    struct interface *interface, const struct wire_rule *rule);
uint32_t interface_rule_remove(
    struct interface *interface, const struct wire_rule *rule);

/*
 * vmnetd-bridge.c: bridges and taps. 0, or -1 after logging the error.
 */

int bridge_create(struct network *network);
void bridge_destroy(struct network *network);
int bridge_tap_create(struct interface *interface);
void bridge_tap_destroy(struct interface *interface);
bool bridge_ipv6(void); /* whether the kernel supports IPv6 here */
/* Restores what bridge_create changed in the namespace. */
void bridge_restore(void);

/*
 * vmnetd-route.c: the routes to external networks.
 */

/* The interface of the default route; "": no default route. */
void route_default(char name[IF_NAMESIZE]);
/* For a network with a bridge. 0, or -1 after logging the error. */
int route_add(struct network *network);
void route_remove(struct network *network);

/*
 * vmnetd-nft.c
 */

/* Updates the packet filter for the running networks. */
int nft_update(void);
void nft_remove(void);

/*
 * vmnetd-dhcp.c: one dnsmasq for each running network.
 */

/* 0: network_dhcp_ready or _failed will follow.  1: nothing to serve. */
int dhcp_start(struct network *network);
void dhcp_stop(struct network *network);
/* A child has ended by itself. */
void dhcp_reaped(pid_t pid, int status);

/*
 * vmnetd-bootpd.c: the files of macOS's DHCP server, if options.bootpd_files.
 */

void bootpd_write_reservations(void);
/* The program that dnsmasq calls for each lease; false: none. */
bool bootpd_script(char *path, size_t size);

/*
 * vmnetd-dump.c
 */

void dump_networks(FILE *out);

#endif /* VMNETD_H */
