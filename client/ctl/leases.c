// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The files of bootpd(8). /var/db/dhcpd_leases has an entry for each client:
 *
 *	{
 *		name=web
 *		ip_address=192.168.64.5
 *		hw_address=1,52:54:0:12:34:56
 *		identifier=1,52:54:0:12:34:56
 *		lease=0x6926b1c4
 *	}
 *
 * hw_address is the client identifier: its type, then bytes without leading
 * zeros. Type 1 is a MAC address. Guests that send another identifier, such as
 * those with systemd-networkd, have type ff there and the MAC address nowhere.
 * Entries stay in the file after they have expired.
 *
 * /etc/bootptab has a line for each reservation, after a line of "%%":
 *
 *	web 1 52:54:00:12:34:56 192.168.64.5
 */

#include "leases.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETHERNET "1,"

bool lease_mac(const char *text, char mac[18])
{
	unsigned bytes[6] = { 0 };
	const char *next = text;

	for (size_t i = 0; i < 6; i++) {
		size_t digits = strspn(next, "0123456789abcdefABCDEF");

		if (digits < 1 || digits > 2) {
			return false;
		}
		bytes[i] = (unsigned)strtoul(next, NULL, 16);
		next += digits;
		if (i < 5 && *next != ':' && *next != '-') {
			return false;
		}
		next += i < 5 ? 1 : 0;
	}
	if (*next != '\0') {
		return false;
	}
	snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0] & 0xff,
	    bytes[1] & 0xff, bytes[2] & 0xff, bytes[3] & 0xff, bytes[4] & 0xff,
	    bytes[5] & 0xff);
	return true;
}

static bool parse_address(const char *text, uint32_t *ip)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1) {
		return false;
	}
	*ip = ntohl(address.s_addr);
	return true;
}

bool lease_subnet(const char *text, uint32_t *subnet, uint32_t *mask)
{
	char address[INET_ADDRSTRLEN] = "";
	const char *slash = strchr(text, '/');
	char *end = NULL;
	unsigned long prefix = 0;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address)) {
		return false;
	}
	memcpy(address, text, (size_t)(slash - text));
	prefix = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end != '\0' || prefix < 1 || prefix > 32 ||
	    !parse_address(address, subnet)) {
		return false;
	}
	*mask = UINT32_MAX << (32 - prefix);
	*subnet &= *mask;
	return true;
}

/* Replaces unprintable characters with '?', because they might control the
 * terminal. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; i + 1 < size && from[i] != '\0'; i++) {
		to[i] = '?';
		if (from[i] > ' ' && from[i] < 0x7f) {
			to[i] = from[i];
		}
	}
	to[i] = '\0';
}

/*
 * The list.
 */

static int append(struct leases *leases, const struct lease *lease)
{
	if (leases->count == LEASES_MAX) {
		leases->skipped++;
		return 0;
	}
	if ((leases->count & (leases->count - 1)) == 0) {
		size_t room = leases->count == 0 ? 1 : leases->count * 2;
		struct lease *items =
		    realloc(leases->items, room * sizeof(*items));

		if (items == NULL) {
			return -1;
		}
		leases->items = items;
	}
	leases->items[leases->count++] = *lease;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct lease *one = a;
	const struct lease *other = b;

	if (one->ip != other->ip) {
		return one->ip < other->ip ? -1 : 1;
	}
	if (one->reserved != other->reserved) {
		return one->reserved ? -1 : 1;
	}
	return one->expires == other->expires ? 0
	    : one->expires > other->expires   ? -1
					      : 1;
}

/* Keeps one entry per address: the reservation, or the latest lease. A
 * reservation inherits the data of its lease. */
static void sort(struct leases *leases)
{
	size_t kept = 0;

	if (leases->count == 0) {
		return;
	}
	qsort(leases->items, leases->count, sizeof(*leases->items), compare);
	for (size_t i = 1; i < leases->count; i++) {
		struct lease *last = &leases->items[kept];
		const struct lease *item = &leases->items[i];

		if (item->ip != last->ip) {
			leases->items[++kept] = *item;
		} else if (last->reserved && last->expires == 0 &&
		    !item->reserved && strcmp(last->mac, item->mac) == 0) {
			last->expires = item->expires;
			memcpy(last->client_id, item->client_id,
			    sizeof(last->client_id));
			if (item->name[0] != '\0') {
				memcpy(
				    last->name, item->name, sizeof(last->name));
			}
		}
	}
	leases->count = kept + 1;
}

/*
 * Lines.
 */

struct reader {
	struct leases *leases;
	struct lease lease; /* the entry that is being read */
	bool inside;
	bool bad; /* the entry is invalid */
};

static void parse_hardware(struct lease *lease, const char *value)
{
	copy_text(lease->client_id, sizeof(lease->client_id), value);
	if (strncmp(value, ETHERNET, strlen(ETHERNET)) == 0) {
		lease_mac(value + strlen(ETHERNET), lease->mac);
	}
}

static bool parse_expires(const char *value, int64_t *expires)
{
	char *end = NULL;
	unsigned long long seconds = 0;

	errno = 0;
	seconds = strtoull(value, &end, 16);
	if (end == value || *end != '\0' || errno != 0 || *value == '-' ||
	    seconds > UINT32_MAX) {
		return false;
	}
	*expires = seconds == 0 ? 1 : (int64_t)seconds;
	return true;
}

static void parse_value(struct reader *reader, char *line)
{
	struct lease *lease = &reader->lease;
	char *value = strchr(line, '=');

	if (value == NULL) {
		reader->bad = true;
		return;
	}
	*value++ = '\0';
	if (strcmp(line, "name") == 0) {
		copy_text(lease->name, sizeof(lease->name), value);
	} else if (strcmp(line, "ip_address") == 0) {
		reader->bad |= !parse_address(value, &lease->ip);
	} else if (strcmp(line, "hw_address") == 0) {
		parse_hardware(lease, value);
	} else if (strcmp(line, "lease") == 0) {
		reader->bad |= !parse_expires(value, &lease->expires);
	}
}

static int end_entry(struct reader *reader)
{
	bool good =
	    !reader->bad && reader->lease.ip != 0 && reader->lease.expires != 0;

	reader->inside = false;
	if (!good) {
		reader->leases->skipped++;
		return 0;
	}
	return append(reader->leases, &reader->lease);
}

static int lease_line(struct reader *reader, char *line)
{
	line += strspn(line, " \t");
	if (strcmp(line, "{") == 0) {
		if (reader->inside) {
			reader->leases->skipped++;
		}
		reader->lease = (struct lease){ 0 };
		reader->inside = true;
		reader->bad = false;
	} else if (strcmp(line, "}") == 0 && reader->inside) {
		return end_entry(reader);
	} else if (reader->inside) {
		parse_value(reader, line);
	}
	return 0;
}

/* The next word of the line, or NULL. */
static const char *next_word(char **line)
{
	char *word = NULL;

	do {
		word = strsep(line, " \t");
	} while (word != NULL && *word == '\0');
	return word;
}

/* inside: after the line of "%%". */
static int reservation_line(struct reader *reader, char *line)
{
	struct lease lease = { .reserved = true };
	const char *name = next_word(&line);
	const char *type = NULL;
	const char *mac = NULL;
	const char *address = NULL;

	if (name != NULL && strcmp(name, "%%") == 0) {
		reader->inside = true;
		return 0;
	}
	if (!reader->inside || name == NULL || *name == '#') {
		return 0;
	}
	type = next_word(&line);
	mac = next_word(&line);
	address = next_word(&line);
	if (type == NULL || strcmp(type, "1") != 0 || mac == NULL ||
	    !lease_mac(mac, lease.mac) || address == NULL ||
	    !parse_address(address, &lease.ip)) {
		reader->leases->skipped++;
		return 0;
	}
	copy_text(lease.name, sizeof(lease.name), name);
	return append(reader->leases, &lease);
}

/*
 * Files.
 */

static void skip_line(FILE *file)
{
	int byte = 0;

	do {
		byte = getc(file);
	} while (byte != EOF && byte != '\n');
}

static int read_lines(struct leases *leases, FILE *file,
    int (*handle)(struct reader *reader, char *line))
{
	struct reader reader = { .leases = leases };
	char line[1024];
	int result = 0;

	while (result == 0 && ftello(file) < LEASES_FILE_MAX &&
	    fgets(line, sizeof(line), file) != NULL) {
		size_t length = strcspn(line, "\r\n");

		/* Do not read the rest of a long line as a separate line. */
		if (line[length] == '\0' && !feof(file)) {
			reader.bad = true;
			skip_line(file);
			continue;
		}
		line[length] = '\0';
		result = handle(&reader, line);
	}
	if (result == 0 && ferror(file)) {
		result = -1;
	}
	if (!feof(file) || (reader.inside && handle == lease_line)) {
		leases->skipped++;
	}
	return result;
}

/* Never blocks on a FIFO or a device. */
static FILE *open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	FILE *file = NULL;

	if (fd < 0) {
		return NULL;
	}
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		errno = EINVAL;
	} else {
		file = fdopen(fd, "r");
	}
	if (file == NULL) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return file;
}

static int read_file(struct leases *leases, const char *path,
    int (*handle)(struct reader *reader, char *line))
{
	FILE *file = open_regular(path);
	int result = 0;
	int error = 0;

	if (file == NULL) {
		return errno == ENOENT ? 0 : -1;
	}
	result = read_lines(leases, file, handle);
	error = errno;
	fclose(file);
	errno = error;
	return result;
}

int leases_read(struct leases *leases, const char *leases_file,
    const char *reservations_file, const char **failed)
{
	*leases = (struct leases){ 0 };
	*failed = leases_file;
	if (read_file(leases, leases_file, lease_line) == 0) {
		*failed = reservations_file;
		if (read_file(leases, reservations_file, reservation_line) ==
		    0) {
			sort(leases);
			return 0;
		}
	}
	leases_destroy(leases);
	return -1;
}

void leases_destroy(struct leases *leases)
{
	free(leases->items);
	*leases = (struct leases){ 0 };
}

const struct lease *leases_find(const struct leases *leases, uint32_t subnet,
    uint32_t mask, const char *guest, int64_t now)
{
	const struct lease *found = NULL;
	char mac[18] = "";
	bool by_mac = lease_mac(guest, mac);

	for (size_t i = 0; i < leases->count; i++) {
		const struct lease *item = &leases->items[i];
		bool same = by_mac ? strcmp(item->mac, mac) == 0
				   : strcasecmp(item->name, guest) == 0;

		if (!same || (item->ip & mask) != subnet ||
		    (!item->reserved && item->expires <= now)) {
			continue;
		}
		if (found == NULL || (item->reserved && !found->reserved) ||
		    (item->reserved == found->reserved &&
			item->expires > found->expires)) {
			found = item;
		}
	}
	return found;
}

const char *lease_kind(const struct lease *lease, int64_t now)
{
	if (lease->reserved) {
		return "reserved";
	}
	return lease->expires <= now ? "expired" : "dynamic";
}
