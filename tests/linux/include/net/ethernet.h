// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * macOS calls the bytes of an Ethernet address `octet`, and keeps the older
 * name as a macro, as here: programs may use either.
 */

#ifndef STANDIN_NET_ETHERNET_H
#define STANDIN_NET_ETHERNET_H

#define ether_addr_octet octet

#include_next <net/ethernet.h>
#include <netinet/ether.h> /* ether_ntoa() and the like */

typedef struct ether_addr ether_addr_t;

#endif /* STANDIN_NET_ETHERNET_H */
