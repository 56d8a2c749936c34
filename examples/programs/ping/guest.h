// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: shared declarations.
 *
 *	../ping.c	options, and the order of events
 *	interface.c	vmnet-broker and vmnet: whole Ethernet frames
 *	ethernet.c	frames and ARP
 *	ip.c		IP, UDP and the answers to echo requests
 *	dhcp.c		an address
 *	dns.c		the address of a name
 *	echo.c		echo requests, and the counts at the end
 *	bytes.c		numbers in packets, addresses, checksums
 *	timer.c		timers
 *
 * Everything runs on one serial queue, the main queue: the completions and
 * events of vmnet, the timers and the signals. So nothing here needs a lock.
 */

#ifndef PING_GUEST_H
#define PING_GUEST_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATUS_OK = 0, STATUS_LOST = 1, STATUS_FAILED = 2 };

/* IPv4 addresses are numbers in host byte order here; 0 means "none". */
typedef uint32_t ipv4;

#define BROADCAST_IP 0xffffffffU

/* Maximum size of the IP packets that we send: every network supports it. */
enum { PACKET_MAX = 576 };

/* The options of the command line. */
struct options {
	const char *network;
	const char *target; /* name or address, NULL for the gateway */
	uint8_t mac[6];
	bool has_mac;
	bool hold;
	unsigned count;
	double interval; /* seconds */
	double timeout;  /* seconds */
};

extern struct options options;

/* What we know about ourselves and the network before DHCP. */
struct guest {
	ipv4 gateway; /* the host's own address in the network */
	ipv4 mask;
	uint8_t mac[6];
};

extern struct guest guest;

/* The result of DHCP. */
struct lease {
	ipv4 address;
	ipv4 mask;
	ipv4 gateway; /* 0 if the network has none */
	ipv4 dns;     /* 0 if the network has none */
	ipv4 server;
	uint32_t seconds;
};

extern struct lease lease;

/* --- ../ping.c --- */

/* Prints "ping: " and the reason, and finishes with STATUS_FAILED. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* We have an address from DHCP: prints it and starts the requested action. */
void ready(void);

/* --- interface.c --- */

/* Acquires the network from the broker. Blocks. */
void network_acquire(void);

/* Starts an interface on it, and then DHCP. */
void interface_start(void);

/* Sends one whole frame. */
void frame_write(uint8_t *frame, size_t size);

/* Releases the lease, stops the interface and exits. Calls after the first one
 * have no effect. */
void finish(int status);

/* --- ethernet.c --- */

enum { ETHERNET_IPV4 = 0x0800, ETHERNET_ARP = 0x0806 };

struct ethernet {
	uint8_t to[6];
	uint8_t from[6];
	uint8_t type[2];
};

void frame_send(
    const uint8_t *to, unsigned type, const void *payload, size_t size);
void frame_receive(uint8_t *frame, size_t size);

/* Sends an IP packet of ours to a neighbour, now or when its MAC is known. */
void arp_resolve(ipv4 ip, const void *packet, size_t size);

/* Announces our address, and finds the DHCP server, which is needed to release
 * the lease. */
void arp_announce(void);

/* --- ip.c --- */

enum { IP_ICMP = 1, IP_UDP = 17 };
enum { ECHO_REPLY = 0, ECHO_REQUEST = 8 };

struct echo {
	uint8_t type;
	uint8_t code;
	uint8_t checksum[2];
	uint8_t id[2];
	uint8_t sequence[2];
};

bool is_reachable(ipv4 address);
void ip_send(ipv4 to, uint8_t protocol, const void *payload, size_t size);
void ip_receive(uint8_t *frame, size_t size);
void udp_send(ipv4 to, unsigned from_port, unsigned to_port,
    const void *payload, size_t payload_size);

/* --- dhcp.c --- */

enum { DHCP_SERVER_PORT = 67, DHCP_CLIENT_PORT = 68 };

void dhcp_start(void);
void dhcp_release(void);
void dhcp_receive(const uint8_t *payload, size_t size);

/* --- dns.c --- */

enum { DNS_PORT = 53 };

/* Asks for the address of options.target, and pings it. */
void dns_start(void);

/* A datagram from the DNS server, to one of our ports. */
void dns_receive(unsigned to_port, const uint8_t *message, size_t size);

/* --- echo.c --- */

/* Pings the target as often as requested. */
void ping_start(ipv4 target);

/* Waits until the next request is due and sends it. If there is none, exits, or
 * keeps holding the address. */
void ping_wait(void);

/* An echo reply. */
void ping_receive(ipv4 from, const uint8_t *message, size_t size);

/* Prints the counts, and exits. */
void ping_finish(void);

/* --- bytes.c --- */

extern const uint8_t broadcast_mac[6];

uint16_t get16(const uint8_t *bytes);
uint32_t get32(const uint8_t *bytes);
void put16(uint8_t *bytes, unsigned value);
void put32(uint8_t *bytes, uint32_t value);

/* Room for the text of one address. */
struct text {
	char s[INET_ADDRSTRLEN];
};

struct text ip_text(ipv4 address);

bool mac_equal(const uint8_t *a, const uint8_t *b);

/* True for a unicast address. */
bool mac_is_host(const uint8_t *mac);

/* "52:54:00:12:34:56", also without leading zeros. False unless it is a unicast
 * address. */
bool mac_parse(const char *text, uint8_t *mac);

/* The sum so far goes in and out, for data that is not in one piece. Only the
 * last piece may have an odd size. */
uint32_t sum_add(uint32_t sum, const void *data, size_t size);

/* 0 over data that contains its correct checksum. */
uint16_t sum_finish(uint32_t sum);

/* --- timer.c --- */

struct timer {
	unsigned turn;
};

extern struct timer step_timer;  /* DHCP, then DNS, then ping */
extern struct timer lease_timer; /* renewal, beside the others */

void timer_start(struct timer *timer, double seconds, void (*act)(void));
void timer_stop(struct timer *timer);
double seconds_now(void);

#endif
