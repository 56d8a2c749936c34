// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: a client that is its own tiny guest.
 *
 * It acquires a network from vmnet-broker, attaches an interface to it, and
 * does with bare Ethernet frames what the kernel of a guest would do: it gets
 * an address by DHCP, finds its neighbours by ARP, resolves a name by DNS and
 * pings. So it proves that packets flow, with no VM; and two of them, started
 * by different users, prove that they are on the same network.
 *
 * What to learn here, from top to bottom:
 *
 * - vmnet gives an interface, not a socket: what goes in and comes out are
 *   whole Ethernet frames (FRAMES). Everything above them is the guest's work
 *   (ARP, IP, DHCP, DNS, ICMP).
 * - Everything runs on one serial queue, the main queue: vmnet's completions
 *   and events, the timers and the signals. So nothing here needs a lock.
 * - vmnet tells that packets are available, not how many: read until there is
 *   none left.
 * - An interface is stopped before the process ends, and the end waits for the
 *   completion of the stop (START AND STOP).
 * - Nothing received is trusted: every length is checked before it is used.
 *
 * Build it on macOS 26, and sign it so that vmnet lets it in:
 *
 *	cc -o ping ping.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../broker/vmnet-broker.entitlements ping
 *
 * Ping the gateway, then something outside, then be there for others:
 *
 *	$ ping -c 2 default
 *	ping: 52:54:00:1c:9e:07 192.168.115.2/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	PING 192.168.115.1: 56 data bytes
 *	64 bytes from 192.168.115.1: icmp_seq=1 time=0.412 ms
 *	64 bytes from 192.168.115.1: icmp_seq=2 time=0.305 ms
 *	2 packets sent, 2 received
 *
 *	$ ping -c 1 default world.example
 *	ping: 52:54:00:5b:20:e4 192.168.115.3/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	PING world.example (203.0.113.1): 56 data bytes
 *	64 bytes from 203.0.113.1: icmp_seq=1 time=0.530 ms
 *	1 packet sent, 1 received
 *
 *	$ ping -c 0 -H -m 52:54:00:00:00:0a default
 *	ping: 52:54:00:00:00:0a 192.168.115.4/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	holding 192.168.115.4 until interrupted
 *	^C
 *
 * The exit status is 0 if every echo was answered, 1 if some were not, and 2
 * if it did not come to that.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

enum { STATUS_OK = 0, STATUS_LOST = 1, STATUS_FAILED = 2 };

/* IPv4 addresses are numbers in host byte order here; 0 is "none". */
typedef uint32_t ipv4;

#define BROADCAST_IP 0xffffffffU

/* Bytes of the longest IP packet that we start: what every network carries. */
enum { PACKET_MAX = 576 };

/* What the command line asked for. */
static struct {
	const char *network;
	const char *target; /* name or address, NULL for the gateway */
	uint8_t mac[6];
	bool has_mac;
	bool hold;
	unsigned count;
	double interval; /* seconds */
	double timeout;  /* seconds */
} options = { .network = "", .count = 4, .interval = 1, .timeout = 1 };

/* What vmnet gave us. */
static struct {
	vmnet_network_ref network;
	interface_ref interface;
	ipv4 gateway; /* the host's own address in the network */
	ipv4 mask;
	uint8_t mac[6];
	size_t frame_max; /* bytes, with the Ethernet header */
	uint8_t *received;
	bool started;
	bool stopping;
	int status; /* what to exit with, once stopped */
} guest;

/* Sends and releases what it has to, and exits. See START AND STOP. */
static void finish(int status);

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why there is nothing more to do, and finishes. */
static void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ping: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	finish(STATUS_FAILED);
}

/*
 * Numbers on the wire are big-endian and need not be aligned: the structs
 * below are made of bytes, and these four are the only way in and out.
 */

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)get16(bytes) << 16 | get16(bytes + 2);
}

static void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void put32(uint8_t *bytes, uint32_t value)
{
	put16(bytes, value >> 16);
	put16(bytes + 2, value & 0xffff);
}

/* Room for the text of one address. */
struct text {
	char s[INET_ADDRSTRLEN];
};

static struct text ip_text(ipv4 address)
{
	struct text text = { "none" };
	struct in_addr in = { .s_addr = htonl(address) };

	if (address != 0) {
		inet_ntop(AF_INET, &in, text.s, sizeof(text.s));
	}
	return text;
}

/*
 * TIMERS
 *
 * Starting a timer again forgets what it was to do before: of the blocks that
 * are waiting only the one of the last turn acts.
 */

struct timer {
	unsigned turn;
};

static struct timer step_timer;  /* DHCP, then DNS, then ping */
static struct timer lease_timer; /* renewal, beside the others */

static void timer_start(struct timer *timer, double seconds, void (*act)(void))
{
	unsigned turn = ++timer->turn;
	int64_t delay = (int64_t)(seconds * (double)NSEC_PER_SEC);

	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, delay),
	    dispatch_get_main_queue(), ^{
		    if (timer->turn == turn) {
			    act();
		    }
	    });
}

static void timer_stop(struct timer *timer)
{
	timer->turn++;
}

static double seconds_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * FRAMES
 */

enum { ETHERNET_IPV4 = 0x0800, ETHERNET_ARP = 0x0806 };

struct ethernet {
	uint8_t to[6];
	uint8_t from[6];
	uint8_t type[2];
};

static const uint8_t broadcast_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 6) == 0;
}

/* Not that of a group, which nobody can send from. */
static bool mac_is_host(const uint8_t *mac)
{
	static const uint8_t zero[6] = { 0 };

	return (mac[0] & 1) == 0 && !mac_equal(mac, zero);
}

static void frame_write(uint8_t *frame, size_t size)
{
	struct iovec iov = { .iov_base = frame, .iov_len = size };
	struct vmpktdesc packet = {
		.vm_pkt_size = size,
		.vm_pkt_iov = &iov,
		.vm_pkt_iovcnt = 1,
	};
	int count = 1;

	/* As on a wire, what does not get through is for the sender to send
	 * again: there is nothing here to wait for. */
	vmnet_return_t status = vmnet_write(guest.interface, &packet, &count);
	if (status != VMNET_SUCCESS) {
		fprintf(
		    stderr, "ping: vmnet_write: status %u\n", (unsigned)status);
	}
}

static void frame_send(
    const uint8_t *to, unsigned type, const void *payload, size_t size)
{
	uint8_t frame[sizeof(struct ethernet) + PACKET_MAX];
	struct ethernet *ethernet = (struct ethernet *)frame;

	memcpy(ethernet->to, to, sizeof(ethernet->to));
	memcpy(ethernet->from, guest.mac, sizeof(ethernet->from));
	put16(ethernet->type, type);
	memcpy(frame + sizeof(*ethernet), payload, size);
	frame_write(frame, sizeof(*ethernet) + size);
}

/*
 * DHCP's result, which everything below sends with.
 */

static struct lease {
	ipv4 address;
	ipv4 mask;
	ipv4 gateway; /* 0 if the network has none */
	ipv4 dns;     /* 0 if the network has none */
	ipv4 server;
	uint32_t seconds;
} lease;

/*
 * ARP
 *
 * Who has which address. What we start ourselves goes to one neighbour after
 * the other, so it is enough to know two: the DHCP server, and who something
 * was sent to last. While a MAC is not known a packet is parked, and goes when
 * the answer comes. Whoever sends again what got lost asks again, too: ARP
 * needs no timer.
 */

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
	uint8_t hardware[2]; /* 1: Ethernet */
	uint8_t protocol[2]; /* as in the Ethernet header */
	uint8_t hardware_size;
	uint8_t protocol_size;
	uint8_t operation[2];
	uint8_t sender_mac[6];
	uint8_t sender_ip[4];
	uint8_t target_mac[6];
	uint8_t target_ip[4];
};

static struct neighbour {
	ipv4 ip;
	uint8_t mac[6];
	bool known;
	uint8_t parked[PACKET_MAX];
	size_t parked_size; /* 0: none */
} dhcp_server, other;

static void arp_send(unsigned operation, const uint8_t *mac, ipv4 ip)
{
	struct arp arp = { .hardware_size = 6, .protocol_size = 4 };

	put16(arp.hardware, 1);
	put16(arp.protocol, ETHERNET_IPV4);
	put16(arp.operation, operation);
	memcpy(arp.sender_mac, guest.mac, sizeof(arp.sender_mac));
	put32(arp.sender_ip, lease.address);
	if (operation == ARP_REPLY) {
		memcpy(arp.target_mac, mac, sizeof(arp.target_mac));
	}
	put32(arp.target_ip, ip);
	frame_send(mac, ETHERNET_ARP, &arp, sizeof(arp));
}

static bool arp_is_valid(const struct arp *arp)
{
	return get16(arp->hardware) == 1 &&
	    get16(arp->protocol) == ETHERNET_IPV4 && arp->hardware_size == 6 &&
	    arp->protocol_size == 4 && mac_is_host(arp->sender_mac);
}

static void neighbour_learn(
    struct neighbour *neighbour, ipv4 ip, const uint8_t *mac)
{
	if (neighbour->ip != ip || ip == 0) {
		return;
	}
	memcpy(neighbour->mac, mac, sizeof(neighbour->mac));
	neighbour->known = true;
	if (neighbour->parked_size != 0) {
		frame_send(neighbour->mac, ETHERNET_IPV4, neighbour->parked,
		    neighbour->parked_size);
		neighbour->parked_size = 0;
	}
}

static void arp_receive(const uint8_t *payload, size_t size)
{
	const struct arp *arp = (const struct arp *)payload;

	if (size < sizeof(*arp) || !arp_is_valid(arp) || lease.address == 0) {
		return;
	}
	/* Requests tell as much about their sender as replies do. */
	ipv4 sender = get32(arp->sender_ip);
	neighbour_learn(&dhcp_server, sender, arp->sender_mac);
	neighbour_learn(&other, sender, arp->sender_mac);
	if (get16(arp->operation) == ARP_REQUEST &&
	    get32(arp->target_ip) == lease.address) {
		arp_send(ARP_REPLY, arp->sender_mac, sender);
	}
}

/* Sends an IP packet of ours to a neighbour, now or when its MAC is known. */
static void arp_resolve(ipv4 ip, const void *packet, size_t size)
{
	struct neighbour *neighbour =
	    ip == lease.server ? &dhcp_server : &other;

	if (neighbour->ip != ip) {
		neighbour->ip = ip;
		neighbour->known = false;
	}
	if (neighbour->known) {
		frame_send(neighbour->mac, ETHERNET_IPV4, packet, size);
		return;
	}
	memcpy(neighbour->parked, packet, size);
	neighbour->parked_size = size;
	arp_send(ARP_REQUEST, broadcast_mac, ip);
}

/*
 * IP
 */

enum { IP_ICMP = 1, IP_UDP = 17 };

struct ip {
	uint8_t version_and_size; /* of the header, in words of 4 bytes */
	uint8_t service;
	uint8_t total_size[2];
	uint8_t id[2];
	uint8_t fragment[2];
	uint8_t ttl;
	uint8_t protocol;
	uint8_t checksum[2];
	uint8_t from[4];
	uint8_t to[4];
};

/* The sum so far goes in and out, for what is not in one piece. Only the last
 * piece may have an odd size. */
static uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (; size >= 2; size -= 2, bytes += 2) {
		sum += get16(bytes);
	}
	if (size == 1) {
		sum += (uint32_t)bytes[0] << 8;
	}
	return (sum & 0xffff) + (sum >> 16);
}

/* Over data that contains its right checksum this is 0. */
static uint16_t sum_finish(uint32_t sum)
{
	while (sum > 0xffff) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static bool on_subnet(ipv4 address)
{
	return ((address ^ lease.address) & lease.mask) == 0;
}

static bool is_reachable(ipv4 address)
{
	return on_subnet(address) || lease.gateway != 0;
}

static void ip_fill(struct ip *ip, ipv4 to, uint8_t protocol, size_t size)
{
	memset(ip, 0, sizeof(*ip));
	ip->version_and_size = 4 << 4 | sizeof(*ip) / 4;
	put16(ip->total_size, (unsigned)(sizeof(*ip) + size));
	ip->ttl = 64;
	ip->protocol = protocol;
	put32(ip->from, lease.address);
	put32(ip->to, to);
	put16(ip->checksum, sum_finish(sum_add(0, ip, sizeof(*ip))));
}

/* What is not on the subnet goes through the gateway. */
static void ip_send(ipv4 to, uint8_t protocol, const void *payload, size_t size)
{
	uint8_t packet[PACKET_MAX];

	if (size > sizeof(packet) - sizeof(struct ip)) {
		return;
	}
	ip_fill((struct ip *)packet, to, protocol, size);
	memcpy(packet + sizeof(struct ip), payload, size);
	size += sizeof(struct ip);

	if (to == BROADCAST_IP) {
		frame_send(broadcast_mac, ETHERNET_IPV4, packet, size);
	} else if (on_subnet(to)) {
		arp_resolve(to, packet, size);
	} else if (lease.gateway != 0) {
		arp_resolve(lease.gateway, packet, size);
	}
}

/*
 * UDP
 */

struct udp {
	uint8_t from[2];
	uint8_t to[2];
	uint8_t size[2]; /* with this header */
	uint8_t checksum[2];
};

/* The addresses of the IP header are part of the checksum. */
static uint32_t udp_sum(ipv4 from, ipv4 to, const void *datagram, size_t size)
{
	uint8_t pseudo[12] = { 0 };

	put32(pseudo, from);
	put32(pseudo + 4, to);
	pseudo[9] = IP_UDP;
	put16(pseudo + 10, (unsigned)size);
	return sum_add(sum_add(0, pseudo, sizeof(pseudo)), datagram, size);
}

static void udp_send(ipv4 to, unsigned from_port, unsigned to_port,
    const void *payload, size_t payload_size)
{
	uint8_t datagram[PACKET_MAX];
	struct udp *udp = (struct udp *)datagram;
	size_t size = sizeof(*udp) + payload_size;

	if (size > sizeof(datagram)) {
		return;
	}
	memset(udp, 0, sizeof(*udp));
	put16(udp->from, from_port);
	put16(udp->to, to_port);
	put16(udp->size, (unsigned)size);
	memcpy(datagram + sizeof(*udp), payload, payload_size);

	uint16_t sum = sum_finish(udp_sum(lease.address, to, datagram, size));
	put16(udp->checksum, sum == 0 ? 0xffff : sum); /* 0 is "no checksum" */
	ip_send(to, IP_UDP, datagram, size);
}

/*
 * DHCP
 *
 * DISCOVER -> OFFER, REQUEST -> ACK, and then an address is ours. At half of
 * its time REQUEST -> ACK makes it ours anew, and RELEASE gives it back.
 */

enum { DHCP_SERVER_PORT = 67, DHCP_CLIENT_PORT = 68 };
enum { BOOT_REQUEST = 1, BOOT_REPLY = 2 };
enum {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7
};

enum {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_REQUESTED = 50,
	OPTION_LEASE_TIME = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_WANTED = 55,
	OPTION_END = 255
};

#define DHCP_MAGIC 0x63825363U

enum { DHCP_TRIES = 5 };    /* after 1, 2, 4, 8 and 16 seconds */
enum { DHCP_OPTIONS = 64 }; /* makes up the least size of a BOOTP message */

struct dhcp {
	uint8_t op;
	uint8_t hardware; /* 1: Ethernet */
	uint8_t hardware_size;
	uint8_t hops;
	uint8_t id[4];
	uint8_t seconds[2];
	uint8_t flags[2];
	uint8_t client_ip[4]; /* while it is the client's */
	uint8_t your_ip[4];
	uint8_t next_ip[4];
	uint8_t relay_ip[4];
	uint8_t client_mac[16];
	uint8_t server_name[64];
	uint8_t file[128];
	uint8_t magic[4];
};

static struct {
	uint32_t id; /* of the exchange */
	struct lease offer;
	unsigned tries;
	unsigned refusals;
} dhcp;

static uint8_t *option_put(
    uint8_t *end, uint8_t code, const void *value, uint8_t size)
{
	end[0] = code;
	end[1] = size;
	memcpy(end + 2, value, size);
	return end + 2 + size;
}

/* No more than DHCP_OPTIONS bytes, at the very most 22. */
static void dhcp_put_options(uint8_t *end, uint8_t type)
{
	const uint8_t wanted[] = { OPTION_MASK, OPTION_ROUTER, OPTION_DNS,
		OPTION_LEASE_TIME };
	uint8_t address[4], server[4];
	bool first = type == DHCP_REQUEST && lease.address == 0;

	put32(address, dhcp.offer.address);
	put32(server, dhcp.offer.server);
	end = option_put(end, OPTION_TYPE, &type, sizeof(type));
	if (type != DHCP_RELEASE) {
		end = option_put(end, OPTION_WANTED, wanted, sizeof(wanted));
	}
	if (first) {
		end = option_put(end, OPTION_REQUESTED, address, 4);
	}
	if (first || type == DHCP_RELEASE) {
		end = option_put(end, OPTION_SERVER, server, 4);
	}
	*end = OPTION_END;
}

static void dhcp_send(uint8_t type)
{
	uint8_t bytes[sizeof(struct dhcp) + DHCP_OPTIONS] = { 0 };
	struct dhcp *message = (struct dhcp *)bytes;
	ipv4 to = type == DHCP_RELEASE ? lease.server : BROADCAST_IP;

	message->op = BOOT_REQUEST;
	message->hardware = 1;
	message->hardware_size = sizeof(guest.mac);
	put32(message->id, dhcp.id);
	put32(message->client_ip, lease.address);
	memcpy(message->client_mac, guest.mac, sizeof(guest.mac));
	put32(message->magic, DHCP_MAGIC);
	dhcp_put_options(bytes + sizeof(*message), type);
	udp_send(to, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, bytes, sizeof(bytes));
}

static void dhcp_try(void)
{
	if (dhcp.tries == DHCP_TRIES) {
		fail("no DHCP server answered on %s", options.network);
		return;
	}
	dhcp_send(dhcp.offer.address == 0 ? DHCP_DISCOVER : DHCP_REQUEST);
	timer_start(&step_timer, 1 << dhcp.tries, dhcp_try);
	dhcp.tries++;
}

/* A quarter of the lease after the renewal at its half come the others: at
 * 3/4, and at the end of it. */
static void dhcp_renew(void)
{
	if (dhcp.tries == 2) {
		fail("lost the lease of %s", ip_text(lease.address).s);
		return;
	}
	dhcp.tries++;
	dhcp_send(DHCP_REQUEST);
	timer_start(&lease_timer, lease.seconds / 4.0, dhcp_renew);
}

/* NULL if there is no such option, or it is shorter than that. */
static const uint8_t *option_find(
    const uint8_t *bytes, size_t size, uint8_t code, size_t least)
{
	for (size_t i = 0; i < size && bytes[i] != OPTION_END;) {
		if (bytes[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (size - i < 2 || size - i - 2 < bytes[i + 1]) {
			return NULL;
		}
		if (bytes[i] == code) {
			return bytes[i + 1] < least ? NULL : &bytes[i + 2];
		}
		i += 2 + (size_t)bytes[i + 1];
	}
	return NULL;
}

static uint32_t option_get32(const uint8_t *bytes, size_t size, uint8_t code)
{
	const uint8_t *value = option_find(bytes, size, code, 4);

	return value == NULL ? 0 : get32(value);
}

/* A reply to us, in this exchange? */
static bool dhcp_is_ours(const struct dhcp *message)
{
	return message->op == BOOT_REPLY && message->hardware == 1 &&
	    message->hardware_size == sizeof(guest.mac) &&
	    get32(message->id) == dhcp.id &&
	    mac_equal(message->client_mac, guest.mac) &&
	    get32(message->magic) == DHCP_MAGIC;
}

/* Made for this network, and not an address that nobody may have? */
static bool lease_fits(const struct lease *got)
{
	return got->server != 0 && got->mask == guest.mask &&
	    ((got->address ^ guest.gateway) & got->mask) == 0 &&
	    got->address != guest.gateway && (got->address & ~got->mask) != 0 &&
	    (got->address | got->mask) != BROADCAST_IP && got->seconds != 0;
}

static void ready(void);

static void dhcp_acknowledged(const struct lease *got)
{
	bool renewed = lease.address != 0;

	lease = *got;
	dhcp.tries = 0;
	timer_start(&lease_timer, lease.seconds / 2.0, dhcp_renew);
	if (!renewed) {
		timer_stop(&step_timer);
		ready();
	}
}

/* The whole message is there; its options are what follows, size bytes. */
static void dhcp_read(const struct dhcp *message, const uint8_t *rest,
    size_t size, struct lease *got)
{
	*got = (struct lease){
		.address = get32(message->your_ip),
		.mask = option_get32(rest, size, OPTION_MASK),
		.gateway = option_get32(rest, size, OPTION_ROUTER),
		.dns = option_get32(rest, size, OPTION_DNS),
		.server = option_get32(rest, size, OPTION_SERVER),
		.seconds = option_get32(rest, size, OPTION_LEASE_TIME),
	};
}

/* The server gave the address to another: as RFC 2131 says, begin again. */
static void dhcp_refused(void)
{
	if (lease.address != 0 || dhcp.refusals == DHCP_TRIES) {
		fail("the DHCP server refuses %s",
		    ip_text(dhcp.offer.address).s);
		return;
	}
	dhcp.refusals++;
	dhcp.offer = (struct lease){ 0 };
	dhcp.tries = 0;
	dhcp_try();
}

static void dhcp_receive(const uint8_t *payload, size_t size)
{
	const struct dhcp *message = (const struct dhcp *)payload;
	struct lease got = { 0 };

	if (size < sizeof(*message) || !dhcp_is_ours(message)) {
		return;
	}
	payload += sizeof(*message);
	size -= sizeof(*message);
	dhcp_read(message, payload, size, &got);

	const uint8_t *type = option_find(payload, size, OPTION_TYPE, 1);
	bool asked = dhcp.offer.address != 0 && dhcp.tries > 0;
	if (type == NULL) {
		return;
	}
	if (*type == DHCP_OFFER && !asked && lease_fits(&got)) {
		dhcp.offer = got;
		dhcp.tries = 0;
		dhcp_try();
	} else if (*type == DHCP_ACK && asked && lease_fits(&got) &&
	    got.address == dhcp.offer.address) {
		dhcp_acknowledged(&got);
	} else if (*type == DHCP_NAK && asked &&
	    got.server == dhcp.offer.server) {
		dhcp_refused();
	}
}

/*
 * PING
 *
 * One echo at a time: the next is sent when the one before was answered or
 * given up, and the interval is over.
 */

enum { ECHO_REPLY = 0, ECHO_REQUEST = 8 };
enum { PING_DATA = 56 }; /* bytes, as ping(8) */

struct echo {
	uint8_t type;
	uint8_t code;
	uint8_t checksum[2];
	uint8_t id[2];
	uint8_t sequence[2];
};

static struct {
	ipv4 target;
	uint16_t id;
	unsigned sent;
	unsigned answered;
	double sent_at;
	bool waiting; /* for the answer to the last one sent */
} ping;

static void ping_finish(void)
{
	if (ping.sent > 0) {
		printf("%u packet%s sent, %u received\n", ping.sent,
		    ping.sent == 1 ? "" : "s", ping.answered);
	}
	finish(ping.answered == ping.sent ? STATUS_OK : STATUS_LOST);
}

static void ping_next(void);

/* After an answer or in vain, and at the very beginning. */
static void ping_wait(void)
{
	double rest = ping.sent_at + options.interval - seconds_now();

	ping.waiting = false;
	timer_stop(&step_timer);
	if (ping.sent < options.count) {
		timer_start(&step_timer, rest > 0 ? rest : 0, ping_next);
	} else if (options.hold) {
		printf(
		    "holding %s until interrupted\n", ip_text(lease.address).s);
	} else {
		ping_finish();
	}
}

static void ping_timeout(void)
{
	printf("no answer from %s: icmp_seq=%u\n", ip_text(ping.target).s,
	    ping.sent);
	ping_wait();
}

/* The data are the numbers from 0, as ping(8) sends them. */
static void ping_fill(uint8_t *message, uint8_t type)
{
	struct echo *echo = (struct echo *)message;

	*echo = (struct echo){ .type = type };
	put16(echo->id, ping.id);
	put16(echo->sequence, ping.sent);
	for (size_t i = 0; i < PING_DATA; i++) {
		message[sizeof(*echo) + i] = (uint8_t)i;
	}
	put16(echo->checksum,
	    sum_finish(sum_add(0, message, sizeof(*echo) + PING_DATA)));
}

static void ping_next(void)
{
	uint8_t message[sizeof(struct echo) + PING_DATA];

	ping.sent++;
	ping.sent_at = seconds_now();
	ping.waiting = true;
	timer_start(&step_timer, options.timeout, ping_timeout);
	ping_fill(message, ECHO_REQUEST);
	ip_send(ping.target, IP_ICMP, message, sizeof(message));
}

static void ping_start(ipv4 target)
{
	struct text text = ip_text(target);
	const char *name = options.target == NULL ? text.s : options.target;

	if (!is_reachable(target)) {
		fail("%s: not on %s, which has no gateway", name,
		    options.network);
		return;
	}
	printf("PING %s", name);
	if (strcmp(name, text.s) != 0) {
		printf(" (%s)", text.s);
	}
	printf(": %d data bytes\n", PING_DATA);
	ping.target = target;
	ping.id = (uint16_t)arc4random();
	ping_wait();
}

/* It is the answer if it is what we expect, to the byte. */
static void ping_receive(ipv4 from, const uint8_t *message, size_t size)
{
	uint8_t expected[sizeof(struct echo) + PING_DATA];
	double elapsed = seconds_now() - ping.sent_at;

	ping_fill(expected, ECHO_REPLY);
	if (!ping.waiting || from != ping.target || size != sizeof(expected) ||
	    memcmp(message, expected, size) != 0) {
		return;
	}
	ping.answered++;
	printf("%zu bytes from %s: icmp_seq=%u time=%.3f ms\n", size,
	    ip_text(from).s, ping.sent, elapsed * 1000);
	ping_wait();
}

/*
 * DNS: one question, for the IPv4 address of a name
 */

enum { DNS_PORT = 53, DNS_TRIES = 3, DNS_NAME_MAX = 253 };
enum { DNS_A = 1, DNS_IN = 1, DNS_NO_SUCH_NAME = 3 };

struct dns {
	uint8_t id[2];
	uint8_t flags; /* 0x80: a response, 1: please ask others */
	uint8_t code;  /* low 4 bits: what went wrong */
	uint8_t questions[2];
	uint8_t answers[2];
	uint8_t authorities[2];
	uint8_t additional[2];
};

static struct {
	uint8_t query[sizeof(struct dns) + DNS_NAME_MAX + 2 + 4];
	size_t size; /* of the query; 0: nothing is being asked */
	uint16_t port;
	unsigned tries;
} dns;

/* Length and bytes of each label, then an empty one. False: not a name. */
static bool dns_put_name(const char *name)
{
	if (strlen(name) > DNS_NAME_MAX) {
		return false;
	}
	while (*name != '\0') {
		size_t length = strcspn(name, ".");

		if (length == 0 || length > 63) {
			return false;
		}
		dns.query[dns.size++] = (uint8_t)length;
		memcpy(dns.query + dns.size, name, length);
		dns.size += length;
		name += length;
		name += *name == '.';
	}
	dns.query[dns.size++] = 0;
	return true;
}

static void dns_try(void)
{
	if (dns.tries == DNS_TRIES) {
		fail("%s: no DNS server answered", options.target);
		return;
	}
	dns.tries++;
	timer_start(&step_timer, 2, dns_try);
	udp_send(lease.dns, dns.port, DNS_PORT, dns.query, dns.size);
}

static void dns_start(void)
{
	struct dns *header = (struct dns *)dns.query;

	if (lease.dns == 0 || !is_reachable(lease.dns)) {
		fail("%s: no DNS on %s", options.target, options.network);
		return;
	}
	put16(header->id, arc4random());
	header->flags = 1;
	put16(header->questions, 1);
	dns.size = sizeof(*header);
	if (!dns_put_name(options.target)) {
		fail("%s: neither an address nor a name", options.target);
		return;
	}
	put16(dns.query + dns.size, DNS_A);
	put16(dns.query + dns.size + 2, DNS_IN);
	dns.size += 4;
	dns.port = (uint16_t)(49152 + arc4random() % 16384);
	dns_try();
}

/* Where the name that begins at offset ends, or size if it does not. */
static size_t dns_skip_name(const uint8_t *message, size_t size, size_t offset)
{
	while (offset < size && message[offset] != 0) {
		if (message[offset] >= 0xc0) { /* the rest is elsewhere */
			return size - offset < 2 ? size : offset + 2;
		}
		offset += 1 + (size_t)message[offset];
	}
	return offset < size ? offset + 1 : size;
}

/* The first address among the answers, or 0. Before it there may be aliases,
 * which the server has followed for us. */
static ipv4 dns_find_address(const uint8_t *message, size_t size)
{
	enum { TYPE = 0, CLASS = 2, DATA_SIZE = 8, DATA = 10 };
	unsigned answers = get16(((const struct dns *)message)->answers);
	size_t offset = dns.size;

	for (; answers > 0; answers--) {
		offset = dns_skip_name(message, size, offset);
		if (size - offset < DATA) {
			break;
		}
		const uint8_t *record = message + offset;
		size_t data_size = get16(record + DATA_SIZE);
		if (size - offset - DATA < data_size) {
			break;
		}
		if (get16(record + TYPE) == DNS_A &&
		    get16(record + CLASS) == DNS_IN && data_size == 4) {
			return get32(record + DATA);
		}
		offset += DATA + data_size;
	}
	return 0;
}

/* It is the answer if it has our number and repeats the question. */
static bool dns_is_ours(const uint8_t *message, size_t size)
{
	const struct dns *header = (const struct dns *)message;
	const size_t question = sizeof(*header);

	return dns.size != 0 && size >= dns.size &&
	    memcmp(header->id, dns.query, sizeof(header->id)) == 0 &&
	    (header->flags & 0x80) != 0 && get16(header->questions) == 1 &&
	    memcmp(message + question, dns.query + question,
		dns.size - question) == 0;
}

static void dns_receive(const uint8_t *message, size_t size)
{
	if (!dns_is_ours(message, size)) {
		return;
	}
	unsigned code = ((const struct dns *)message)->code & 0xf;
	ipv4 address = code == 0 ? dns_find_address(message, size) : 0;
	dns.size = 0;
	timer_stop(&step_timer);
	if (address != 0) {
		ping_start(address);
	} else if (code == 0 || code == DNS_NO_SUCH_NAME) {
		fail("%s: no such name", options.target);
	} else {
		fail("%s: DNS error %u", options.target, code);
	}
}

/*
 * RECEIVING
 */

static void udp_receive(
    ipv4 from, ipv4 to, const uint8_t *datagram, size_t received)
{
	const struct udp *udp = (const struct udp *)datagram;
	size_t size = received < sizeof(*udp) ? 0 : get16(udp->size);

	if (size < sizeof(*udp) || size > received) {
		return;
	}
	if (get16(udp->checksum) != 0 &&
	    sum_finish(udp_sum(from, to, datagram, size)) != 0) {
		return;
	}
	unsigned to_port = get16(udp->to);
	unsigned from_port = get16(udp->from);
	const uint8_t *payload = datagram + sizeof(*udp);
	size -= sizeof(*udp);

	if (from_port == DHCP_SERVER_PORT && to_port == DHCP_CLIENT_PORT) {
		dhcp_receive(payload, size);
	} else if (from_port == DNS_PORT && to_port == dns.port &&
	    from == lease.dns) {
		dns_receive(payload, size);
	}
}

/* The size of the header, or 0 if the packet is not one that we take. Then
 * *size is that of the packet, without what a short frame is filled up with. */
static size_t ip_check(const uint8_t *packet, size_t *size)
{
	const struct ip *ip = (const struct ip *)packet;

	if (*size < sizeof(*ip) || ip->version_and_size >> 4 != 4) {
		return 0;
	}
	size_t header = (ip->version_and_size & 0xf) * (size_t)4;
	size_t total = get16(ip->total_size);
	if (header < sizeof(*ip) || total < header || *size < total) {
		return 0;
	}
	/* Of a packet in fragments we want none: no "more", no offset. */
	if (sum_finish(sum_add(0, packet, header)) != 0 ||
	    (get16(ip->fragment) & 0x3fff) != 0) {
		return 0;
	}
	*size = total;
	return header;
}

/* Sends an echo request back to where it came from, as a reply. The checksum
 * of the IP header stays right when the addresses change places. */
static void echo_answer(uint8_t *frame, struct echo *echo, size_t size)
{
	struct ethernet *ethernet = (struct ethernet *)frame;
	struct ip *ip = (struct ip *)(ethernet + 1);
	size_t frame_size = (size_t)((uint8_t *)echo - frame) + size;

	echo->type = ECHO_REPLY;
	put16(echo->checksum, 0);
	put16(echo->checksum, sum_finish(sum_add(0, echo, size)));
	memcpy(ip->to, ip->from, sizeof(ip->to));
	put32(ip->from, lease.address);
	memcpy(ethernet->to, ethernet->from, sizeof(ethernet->to));
	memcpy(ethernet->from, guest.mac, sizeof(ethernet->from));
	frame_write(frame, frame_size);
}

static void icmp_receive(uint8_t *frame, uint8_t *message, size_t size)
{
	struct ip *ip = (struct ip *)(frame + sizeof(struct ethernet));
	struct echo *echo = (struct echo *)message;

	if (size < sizeof(*echo) ||
	    sum_finish(sum_add(0, message, size)) != 0) {
		return;
	}
	if (echo->type == ECHO_REQUEST) {
		echo_answer(frame, echo, size);
	} else if (echo->type == ECHO_REPLY) {
		ping_receive(get32(ip->from), message, size);
	}
}

static void ip_receive(uint8_t *frame, size_t size)
{
	uint8_t *packet = frame + sizeof(struct ethernet);
	struct ip *ip = (struct ip *)packet;

	size -= sizeof(struct ethernet);
	size_t header = ip_check(packet, &size);
	if (header == 0) {
		return;
	}
	ipv4 to = get32(ip->to);
	bool have_address = lease.address != 0;

	/* A DHCP server sends to the address that is to become ours. */
	if (ip->protocol == IP_UDP &&
	    (!have_address || to == lease.address || to == BROADCAST_IP)) {
		udp_receive(
		    get32(ip->from), to, packet + header, size - header);
	} else if (ip->protocol == IP_ICMP && have_address &&
	    to == lease.address) {
		icmp_receive(frame, packet + header, size - header);
	}
}

static void frame_receive(uint8_t *frame, size_t size)
{
	const struct ethernet *ethernet = (const struct ethernet *)frame;

	if (size < sizeof(*ethernet) || !mac_is_host(ethernet->from)) {
		return;
	}
	if (!mac_equal(ethernet->to, guest.mac) &&
	    !mac_equal(ethernet->to, broadcast_mac)) {
		return;
	}
	if (get16(ethernet->type) == ETHERNET_ARP) {
		arp_receive(
		    frame + sizeof(*ethernet), size - sizeof(*ethernet));
	} else if (get16(ethernet->type) == ETHERNET_IPV4) {
		ip_receive(frame, size);
	}
}

/* One frame; 0 if there is none. */
static size_t frame_read(void)
{
	struct iovec iov = {
		.iov_base = guest.received,
		.iov_len = guest.frame_max,
	};
	struct vmpktdesc packet = {
		.vm_pkt_size = guest.frame_max,
		.vm_pkt_iov = &iov,
		.vm_pkt_iovcnt = 1,
	};
	int count = 1;

	vmnet_return_t status = vmnet_read(guest.interface, &packet, &count);
	if (status != VMNET_SUCCESS) {
		fail("vmnet_read: status %u", (unsigned)status);
		return 0;
	}
	return count == 1 && packet.vm_pkt_size <= guest.frame_max
	    ? packet.vm_pkt_size
	    : 0;
}

/* Any frame can be the one after which we stop. */
static void packets_available(void)
{
	while (!guest.stopping) {
		size_t size = frame_read();

		if (size == 0) {
			break;
		}
		frame_receive(guest.received, size);
	}
}

/*
 * START AND STOP
 */

/* There is an address: tell, and get to work. */
static void ready(void)
{
	const uint8_t *mac = guest.mac;
	struct in_addr address = { 0 };

	printf("ping: %02x:%02x:%02x:%02x:%02x:%02x %s/%d\n", mac[0], mac[1],
	    mac[2], mac[3], mac[4], mac[5], ip_text(lease.address).s,
	    33 - ffs((int)lease.mask));
	printf("ping: gateway %s dns %s\n", ip_text(lease.gateway).s,
	    ip_text(lease.dns).s);

	/* Know where the lease goes back to. All hear the question, so who knew
	 * another MAC for our address learns the right one. */
	dhcp_server.ip = lease.server;
	arp_send(ARP_REQUEST, broadcast_mac, lease.server);

	if (options.count == 0) {
		ping_wait();
	} else if (options.target == NULL) {
		ping_start(guest.gateway);
	} else if (inet_pton(AF_INET, options.target, &address) == 1) {
		ping_start(ntohl(address.s_addr));
	} else {
		dns_start();
	}
}

static _Noreturn void exit_now(void)
{
	if (guest.network != NULL) {
		CFRelease(guest.network);
	}
	exit(guest.status);
}

static void stop_interface(void)
{
	if (lease.address != 0) {
		dhcp_send(DHCP_RELEASE);
	}
	vmnet_return_t status = vmnet_stop_interface(guest.interface,
	    dispatch_get_main_queue(), ^(vmnet_return_t stopped) {
		    (void)stopped; /* nothing could be done about it */
		    exit_now();
	    });
	if (status != VMNET_SUCCESS) {
		exit_now();
	}
}

static void finish(int status)
{
	if (guest.stopping) {
		return;
	}
	guest.stopping = true;
	guest.status = status;
	timer_stop(&step_timer);
	timer_stop(&lease_timer);
	if (guest.interface == NULL) {
		exit_now();
	}
	/* One that is still starting is stopped when it has started. */
	if (guest.started) {
		stop_interface();
	}
}

/* A source sees the signal only when it does nothing else, hence SIG_IGN. */
static void stop_on(int number)
{
	signal(number, SIG_IGN);
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
		(uintptr_t)number, 0, dispatch_get_main_queue());
	dispatch_source_set_event_handler(source, ^{
		ping_finish();
	});
	dispatch_activate(source);
}

/* "52:54:00:12:34:56", also without the zeros in front. */
static bool mac_parse(const char *text, uint8_t *mac)
{
	for (int i = 0; i < 6; i++) {
		char *end = NULL;

		if (!isxdigit((unsigned char)*text)) {
			return false;
		}
		unsigned long value = strtoul(text, &end, 16);
		if (value > 0xff || *end != (i < 5 ? ':' : '\0')) {
			return false;
		}
		mac[i] = (uint8_t)value;
		text = end + 1;
	}
	return mac_is_host(mac);
}

/* Takes from vmnet's description of the interface what we need. */
static bool interface_describe(xpc_object_t param)
{
	const char *mac =
	    xpc_dictionary_get_string(param, vmnet_mac_address_key);
	uint64_t size =
	    xpc_dictionary_get_uint64(param, vmnet_max_packet_size_key);

	if (options.has_mac) {
		memcpy(guest.mac, options.mac, sizeof(guest.mac));
	} else if (mac == NULL || !mac_parse(mac, guest.mac)) {
		return false;
	}
	if (size < sizeof(struct ethernet) + PACKET_MAX ||
	    size > sizeof(struct ethernet) + UINT16_MAX) {
		return false;
	}
	guest.frame_max = (size_t)size;
	guest.received = malloc(guest.frame_max);
	return guest.received != NULL;
}

static void interface_started(vmnet_return_t status, xpc_object_t param)
{
	if (status != VMNET_SUCCESS) {
		guest.interface = NULL;
		guest.stopping = false;
		fail("%s: no interface: vmnet status %u", options.network,
		    (unsigned)status);
		return;
	}
	guest.started = true;
	if (guest.stopping) {
		stop_interface();
		return;
	}
	if (!interface_describe(param)) {
		fail("%s: unusable interface", options.network);
		return;
	}
	status = vmnet_interface_set_event_callback(guest.interface,
	    VMNET_INTERFACE_PACKETS_AVAILABLE, dispatch_get_main_queue(),
	    ^(interface_event_t events, xpc_object_t event) {
		    (void)events;
		    (void)event;
		    packets_available();
	    });
	if (status != VMNET_SUCCESS) {
		fail("%s: no events: vmnet status %u", options.network,
		    (unsigned)status);
		return;
	}
	dhcp.id = arc4random();
	dhcp_try();
}

static void interface_start(void)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);

	guest.interface = vmnet_interface_start_with_network(guest.network,
	    description, dispatch_get_main_queue(),
	    ^(vmnet_return_t status, xpc_object_t param) {
		    interface_started(status, param);
	    });
	xpc_release(description);
	if (guest.interface == NULL) {
		fail("%s: no interface", options.network);
	}
}

/* See acquire.c, which has nothing but this to show. */
static void network_acquire(void)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	vmnet_return_t vmnet_status = VMNET_SUCCESS;
	struct in_addr gateway = { 0 };
	struct in_addr mask = { 0 };

	xpc_object_t serialization =
	    vmnet_broker_acquire_network(options.network, &status);
	if (serialization == NULL) {
		fail("%s: %s", options.network, vmnet_broker_last_reason());
		return;
	}
	guest.network = vmnet_network_create_with_serialization(
	    serialization, &vmnet_status);
	xpc_release(serialization);
	if (guest.network == NULL) {
		fail("%s: no network: vmnet status %u", options.network,
		    (unsigned)vmnet_status);
		return;
	}
	vmnet_network_get_ipv4_subnet(guest.network, &gateway, &mask);
	guest.gateway = ntohl(gateway.s_addr);
	guest.mask = ntohl(mask.s_addr);
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
	    "usage: ping [-H] [-c COUNT] [-i SECONDS] "
	    "[-W SECONDS] [-m MAC] NETWORK [ADDRESS]\n");
	exit(STATUS_FAILED);
}

static double parse_number(const char *text, double least, double most)
{
	char *end = NULL;
	double number = strtod(text, &end);

	if (end == text || *end != '\0' ||
	    !(number >= least && number <= most)) {
		usage();
	}
	return number;
}

static void parse_options(int argc, char *argv[])
{
	for (;;) {
		int option = getopt(argc, argv, "Hc:i:m:W:");

		if (option == -1) {
			break;
		} else if (option == 'H') {
			options.hold = true;
		} else if (option == 'c') {
			options.count =
			    (unsigned)parse_number(optarg, 0, UINT16_MAX);
		} else if (option == 'i') {
			options.interval = parse_number(optarg, 0.001, 3600);
		} else if (option == 'W') {
			options.timeout = parse_number(optarg, 0.001, 3600);
		} else if (option == 'm' && mac_parse(optarg, options.mac)) {
			options.has_mac = true;
		} else {
			usage();
		}
	}
	if (argc - optind < 1 || argc - optind > 2) {
		usage();
	}
	options.network = argv[optind];
	options.target = argc - optind == 2 ? argv[optind + 1] : NULL;
}

int main(int argc, char *argv[])
{
	parse_options(argc, argv);

	/* Line by line, also when a script reads it. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	network_acquire();
	stop_on(SIGINT);
	stop_on(SIGTERM);
	interface_start();
	dispatch_main();
}
