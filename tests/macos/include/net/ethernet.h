// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Declarations for cross-building: what an Ethernet frame starts with. */

#ifndef VMNET_BROKER_MACOS_NET_ETHERNET_H
#define VMNET_BROKER_MACOS_NET_ETHERNET_H

#include <sys/types.h>

#define ETHER_ADDR_LEN 6
#define ETHER_TYPE_LEN 2
#define ETHER_CRC_LEN 4
#define ETHER_HDR_LEN (ETHER_ADDR_LEN * 2 + ETHER_TYPE_LEN)
#define ETHER_MIN_LEN 64
#define ETHER_MAX_LEN 1518
#define ETHERMTU (ETHER_MAX_LEN - ETHER_HDR_LEN - ETHER_CRC_LEN)

#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_REVARP 0x8035
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd

#define ether_addr_octet octet
typedef struct ether_addr {
	u_char octet[ETHER_ADDR_LEN];
} __attribute__((__packed__)) ether_addr_t;

typedef struct ether_header {
	u_char ether_dhost[ETHER_ADDR_LEN];
	u_char ether_shost[ETHER_ADDR_LEN];
	u_short ether_type;
} ether_header_t;

__BEGIN_DECLS
struct ether_addr *ether_aton(const char *text);
char *ether_ntoa(const struct ether_addr *address);
__END_DECLS

#endif
