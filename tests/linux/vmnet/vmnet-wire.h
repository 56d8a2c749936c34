// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The protocol between libvmnet and vmnetd over $STANDIN_DIR/vmnetd.sock, a
 * SOCK_SEQPACKET socket: one message per packet, fixed structs, native byte
 * order except for addresses, which are in network order.
 *
 * A process has one connection. Every request except WIRE_GOODBYE gets one
 * reply with the same type and sequence; replies may overtake one another. When
 * the connection ends, the process has ended: after WIRE_GOODBYE it exited
 * normally, otherwise it was killed.
 */

#ifndef VMNET_WIRE_H
#define VMNET_WIRE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>

#define WIRE_SOCKET "vmnetd.sock"
#define WIRE_MESSAGE_MAX 65536
#define WIRE_ITEMS_MAX 1024 /* reservations, and rules, of one network */

#define WIRE_ID_SIZE 16
#define WIRE_MAC_SIZE 6

enum wire_type {
	WIRE_CREATE = 1, /* struct wire_create -> struct wire_created */
	WIRE_REMOVE,     /* struct wire_remove -> status */
	WIRE_START,      /* struct wire_start -> struct wire_started, the tap */
	WIRE_STOP,       /* struct wire_stop -> status */
	WIRE_RULE_ADD,   /* struct wire_forward -> status */
	WIRE_RULE_REMOVE, /* struct wire_forward -> status */
	WIRE_RULE_LIST,   /* struct wire_forward -> struct wire_rules */
	WIRE_DUMP,        /* header -> header and text */
	WIRE_GOODBYE,     /* header, no reply */
};

struct wire_header {
	uint32_t type;
	uint32_t sequence;
	uint32_t status; /* of a reply: vmnet_return_t */
};

enum wire_network_flags {
	WIRE_NO_NAT44 = 1 << 0,
	WIRE_NO_NAT66 = 1 << 1,
	WIRE_NO_DHCP = 1 << 2,
	WIRE_NO_DNS = 1 << 3,
	WIRE_NO_RA = 1 << 4,
	WIRE_HAS_SUBNET = 1 << 5,
	WIRE_HAS_PREFIX = 1 << 6,
	WIRE_HAS_MTU = 1 << 7,
	/* Only frames between its interfaces; no address of the host. */
	WIRE_NO_HOST = 1 << 8,
};

/*
 * A network as requested, and as created. macOS keeps the same in 120 bytes of
 * a serialization, hence the size.
 */
struct wire_network {
	uint8_t id[WIRE_ID_SIZE];
	uint32_t mode; /* vmnet_mode_t */
	uint32_t flags;
	struct in_addr address; /* of the host */
	struct in_addr mask;
	struct in6_addr prefix;
	uint32_t prefix_length;
	uint32_t mtu;
	char external[IF_NAMESIZE];
	uint64_t executable[2]; /* device and inode of the creator's */
	uint8_t reserved[32];
};

_Static_assert(sizeof(struct wire_network) == 120, "as macOS serializes it");

struct wire_reservation {
	uint8_t mac[WIRE_MAC_SIZE];
	uint8_t reserved[2];
	struct in_addr address;
};

struct wire_rule {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t family;   /* AF_INET, AF_INET6 */
	uint16_t internal_port;
	uint16_t external_port;
	uint16_t reserved;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address;
};

/* The reservations follow, then the rules. */
struct wire_create {
	struct wire_header header;
	struct wire_network network;
	uint32_t reservations;
	uint32_t rules;
};

struct wire_created {
	struct wire_header header;
	struct wire_network network;
};

struct wire_remove {
	struct wire_header header;
	uint8_t network[WIRE_ID_SIZE];
};

enum wire_interface_flags {
	WIRE_LEGACY = 1 << 0, /* the legacy part identifies the network */
	WIRE_ISOLATED = 1 << 1,
	WIRE_HAS_RANGE = 1 << 2, /* start, end, mask */
	WIRE_HAS_NAT66 = 1 << 3, /* nat66 */
	WIRE_HAS_GROUP = 1 << 4, /* group */
	WIRE_HAS_HOST = 1 << 5,  /* start (the host's address), mask */
	WIRE_OFFLOAD = 1 << 6,   /* TSO and checksums, both */
};

/* The parameters of vmnet_start_interface; all zero with a network. */
struct wire_legacy {
	uint32_t mode;
	uint32_t flags; /* the WIRE_HAS ones */
	struct in_addr start;
	struct in_addr end;
	struct in_addr mask;
	struct in6_addr nat66;
	uint8_t group[WIRE_ID_SIZE];
};

struct wire_start {
	struct wire_header header;
	uint32_t flags;
	uint8_t network[WIRE_ID_SIZE];
	uint8_t interface_id[WIRE_ID_SIZE];
	struct wire_legacy legacy;
};

/* Comes with the descriptor of the tap when the status is VMNET_SUCCESS. */
struct wire_started {
	struct wire_header header;
	uint32_t interface;
	char name[IF_NAMESIZE];
	uint8_t mac[WIRE_MAC_SIZE];
	uint8_t reserved[2];
	uint32_t mtu;
	struct in_addr start;
	struct in_addr end;
	struct in_addr mask;
	struct in6_addr nat66;
};

struct wire_stop {
	struct wire_header header;
	uint32_t interface;
};

struct wire_forward {
	struct wire_header header;
	uint32_t interface;
	struct wire_rule rule;
};

struct wire_rules {
	struct wire_header header;
	uint32_t count;
	struct wire_rule rules[];
};

#endif /* VMNET_WIRE_H */
