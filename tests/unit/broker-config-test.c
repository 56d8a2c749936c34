// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/config.c broker/trusted-file.c broker/json-position.c broker/subnet.c broker/subnet-plan.c
// link: broker/text.c
// libs: -l:libjansson.a

/*
 * networks.json as people write it, and as they should not: what is refused is
 * compared word by word, with its place.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "text.h"

static char directory[] = "/tmp/broker-config-test.XXXXXX";
static char path[128];

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/networks.json", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

/* Loads what is at path now, and removes it. */
static enum config_result load(struct config **config)
{
	enum config_result result = CONFIG_LOADED;

	*config = config_create();
	assert_non_null(*config);
	result = config_load(*config, path, 0);
	assert_int_equal(remove(path), 0);
	return result;
}

/* It is refused with "FILE" and then error, and nothing of it is taken. */
static void assert_refused(const char *error)
{
	struct config *config = NULL;
	char line[512];

	assert_int_equal(load(&config), CONFIG_REFUSED);
	snprintf(line, sizeof(line), "%s%s", path, error);
	assert_string_equal(config->error, line);
	assert_null(strchr(config->error, '\n'));
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

static struct config *load_text(const char *text)
{
	struct config *config = NULL;

	write_file(text, strlen(text));
	if (load(&config) != CONFIG_LOADED) {
		fail_msg("refused: %s", config->error);
	}
	assert_string_equal(config->error, "");
	return config;
}

static void assert_network(const struct config *config, const char *name,
    enum config_mode mode, const char *subnet)
{
	const struct config_network *network = config_find(config, name);
	char text[SUBNET_TEXT] = "";

	assert_non_null(network);
	assert_string_equal(network->name, name);
	assert_int_equal(network->mode, mode);
	if (network->has_subnet) {
		subnet_format(&network->subnet, text);
	}
	assert_string_equal(text, subnet);
}

/*
 * What is taken.
 */

/* Goal: without any file there are the built-in networks. */
static void test_builtin(void **state)
{
	struct config *config = config_create();

	(void)state;
	assert_int_equal(config_load(config, path, 0), CONFIG_MISSING);
	assert_string_equal(config->error, "");
	assert_network(config, "shared", CONFIG_SHARED, "");
	assert_network(config, "host", CONFIG_HOST, "");
	assert_null(config_find(config, "default"));
	config_destroy(config);
}

/* Goal: the file as shipped is good. */
static void test_shipped(void **state)
{
	struct config *config = config_create();

	(void)state;
	assert_int_equal(config_load(config, "broker/networks.json", geteuid()),
	    CONFIG_LOADED);
	assert_int_equal(config->count, 3);
	assert_network(config, "default", CONFIG_SHARED, "");
	config_destroy(config);
}

static void test_good(void **state)
{
	struct config *config = load_text(
	    "{\"web\": {\"subnet\": \"192.168.100.0/24\","
	    "\"mode\": \"shared\"}, \"db.0_x-y\": {\"mode\":\"host\"},"
	    "\"0\": {\"mode\": \"host\", \"subnet\": "
	    "\"10.255.255.248/29\"},"
	    "\"a\": {\"mode\": \"shared\", \"subnet\":\"172.16.0.0/16\"}}");

	(void)state;
	assert_int_equal(config->count, 6);
	assert_network(config, "web", CONFIG_SHARED, "192.168.100.0/24");
	assert_network(config, "db.0_x-y", CONFIG_HOST, "");
	assert_network(config, "0", CONFIG_HOST, "10.255.255.248/29");
	assert_network(config, "a", CONFIG_SHARED, "172.16.0.0/16");
	assert_network(config, "shared", CONFIG_SHARED, "");
	assert_network(config, "host", CONFIG_HOST, "");
	for (size_t i = 1; i < config->count; i++) {
		assert_true(strcmp(config->networks[i - 1].name,
				config->networks[i].name) < 0);
	}
	config_destroy(config);
}

static void test_empty_object(void **state)
{
	struct config *config = load_text(" {}\n");

	(void)state;
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

/* Goal: an entry for a built-in network takes its place. */
static void test_builtin_subnet(void **state)
{
	struct config *config = load_text(
	    "{\"host\": {\"mode\": \"host\", \"subnet\":"
	    " \"192.168.9.0/24\"}, \"shared\": {\"mode\": \"shared\"}}");

	(void)state;
	assert_int_equal(config->count, 2);
	assert_network(config, "host", CONFIG_HOST, "192.168.9.0/24");
	assert_network(config, "shared", CONFIG_SHARED, "");
	config_destroy(config);
}

/* Goal: many networks, all found again. */
static void test_many(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX);
	size_t used = 0;
	struct config *config = NULL;
	char name[16];

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 2000; i++) {
		used += (size_t)snprintf(text + used, CONFIG_SIZE_MAX - used,
		    "%c\"n%d\":{\"mode\":\"%s\"}", i == 0 ? '{' : ',',
		    i * 7919 % 2000, i % 2 == 0 ? "host" : "shared");
	}
	snprintf(text + used, CONFIG_SIZE_MAX - used, "}");
	config = load_text(text);
	assert_int_equal(config->count, 2002);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%d", i * 7919 % 2000);
		assert_network(
		    config, name, i % 2 == 0 ? CONFIG_HOST : CONFIG_SHARED, "");
	}
	config_destroy(config);
	free(text);
}

/*
 * What is refused for what is in it.
 */

static const struct mistake {
	const char *text;
	const char *error;
} mistakes[] = {
	/* Syntax: where jansson saw it. */
	{ "", ":1:1: '[' or '{' expected near end of file" },
	{ "{\n  \"a\": {\"mode\": \"shared\"}\n  \"b\": {}\n}",
	    ":3:5: '}' expected near '\"b\"'" },
	{ "{\"a\": {\"mode\": \"shared\",}}",
	    ":1:25: string or '}' expected near '}'" },
	{ "{\"a\": {\"mode\": \"shared\"}",
	    ":1:24: '}' expected near end of "
	    "file" },
	{ "{\"a\" {}}", ":1:6: ':' expected near '{'" },
	{ "{} {}", ":1:4: end of file expected near '{'" },
	{ "# no\n{}", ":1:1: '[' or '{' expected near '#'" },
	{ "{\"a\": {\"mode\": shared}}", ":1:21: invalid token near 'shared'" },
	{ "{\"a\": \"\x01\"}", ":1:7: control character 0x1 near '\"'" },
	{ "{\"a\": \"\xff\"}", ":1:7: unable to decode byte 0xff near '\"'" },

	/* The whole. */
	{ "[]",
	    ":1:1: must be an object with one entry per network, not an "
	    "array" },
	{ "\n  [\"default\"]",
	    ":2:3: must be an object with one entry per "
	    "network, not an array" },
	{ "\"default\"", ":1:9: '[' or '{' expected near '\"default\"'" },

	/* Names. */
	{ "{\"Web\": {\"mode\": \"shared\"}}",
	    ":1:2: \"Web\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"\": {}}",
	    ":1:2: \"\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"a\":{\"mode\":\"host\"},\n\t\"../x\": {}}",
	    ":2:2: \"../x\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"\xc3\xbc\\n\": {}}",
	    ":1:2: \"\\xc3\\xbc\\x0a\" is not a network "
	    "name: [a-z0-9][a-z0-9._-]{0,62}" },

	/* Networks. */
	{ "{\"web\": null}", ":1:9: web: must be an object, not null" },
	{ "{\"web\": \"shared\"}",
	    ":1:9: web: must be an object, not a "
	    "string" },
	{ "{\"a\": {\"mode\": \"host\"}, \"b\": [1, {}], \"c\": 2}",
	    ":1:30: b: must be an object, not an array" },
	{ "{\"web\": {}}", ":1:9: web: the key \"mode\" is missing" },
	{ "{\n    \"web\": {\n        \"subnet\": \"10.0.0.0/16\"\n    }\n}",
	    ":2:12: web: the key \"mode\" is missing" },

	/* Keys. */
	{ "{\"web\": {\"mode\": \"shared\", \"subnett\": 1}}",
	    ":1:28: web: unknown key \"subnett\"" },
	{ "{\"web\": {\"Mode\": \"shared\"}}",
	    ":1:10: web: unknown key "
	    "\"Mode\"" },
	{ "{\"web\": {\"mode\": \"host\",\n  \"\\\"\": 1}}",
	    ":2:3: web: unknown key \"\\x22\"" },
	{ "{\"web\": {\"mode\": \"shared\", \"mode\": \"shared\"}}",
	    ":1:28: duplicate key \"mode\"" },
	{ "{\"web\": {\"mode\": \"shared\"},\n \"web\": {\"mode\": \"host\"}}",
	    ":2:2: duplicate key \"web\"" },
	{ "{\"web\": {\"mode\": \"shared\"},\n \"w\\u0065b\" : {}}",
	    ":2:2: duplicate key \"w\\x5cu0065b\"" },

	/* Modes. */
	{ "{\"web\": {\"mode\": 1001}}",
	    ":1:18: web.mode: must be a string, "
	    "not a number" },
	{ "{\"web\": {\"mode\" : true}}",
	    ":1:19: web.mode: must be a string, "
	    "not a boolean" },
	{ "{\"web\": {\"mode\": \"bridged\"}}",
	    ":1:18: web.mode: \"bridged\" is not \"shared\" or \"host\"" },
	{ "{\"web\": {\"mode\": \"Shared\"}}",
	    ":1:18: web.mode: \"Shared\" is not \"shared\" or \"host\"" },
	{ "{\"host\": {\"mode\": \"shared\"}}",
	    ":1:19: host.mode: the mode of this built-in network is "
	    "\"host\"" },
	{ "{\"shared\": {\"subnet\": \"10.0.0.0/16\", \"mode\": \"host\"}}",
	    ":1:46: shared.mode: the mode of this built-in network is "
	    "\"shared\"" },

	/* Subnets. */
	{ "{\"web\": {\"mode\": \"shared\", \"subnet\": 24}}",
	    ":1:38: web.subnet: must be a string, not a number" },
	{ "{\"web\": {\"mode\": \"shared\", \"subnet\": null}}",
	    ":1:38: web.subnet: must be a string, not null" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.0\"}}",
	    ":1:30: a.subnet: \"192.168.1.0\" is not a subnet: expected "
	    "IPv4 CIDR notation, such as 192.168.100.0/24" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.0/33\"}}",
	    ":1:30: a.subnet: \"192.168.1.0/33\" is not a subnet: the "
	    "prefix must be /16 to /29" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.1/24\"}}",
	    ":1:30: a.subnet: \"192.168.1.1/24\" is not a subnet: the "
	    "address has host bits set; did you mean 192.168.1.0/24?" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"8.8.8.0/24\"}}",
	    ":1:30: a.subnet: \"8.8.8.0/24\" is not a subnet: it is not "
	    "in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16" },
	{ "{\"a\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\"},\n"
	  " \"b\": {\"mode\": \"host\",\n"
	  "         \"subnet\": \"10.1.7.0/24\"}}",
	    ":3:20: b.subnet: \"10.1.7.0/24\" overlaps a.subnet, "
	    "10.1.0.0/16" },
	{ "{\"a\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\"},\n"
	  " \"host\": {\"subnet\": \"10.1.0.0/16\"}}",
	    ":2:21: host.subnet: \"10.1.0.0/16\" overlaps a.subnet, "
	    "10.1.0.0/16" },

	/* The place survives braces, quotes and other letters in strings. */
	{ "{\"a\": {\"mode\": \"host\"}, \"b\": {\"mode\": \"}{\\\"],\"}}",
	    ":1:39: b.mode: \"}{\\x22],\" is not \"shared\" or \"host\"" },
	{ "{\"a\":\r\n{\"mode\":\t\"\xc3\xbc\xe2\x82\xac\", \"subnet\" : 1}}",
	    ":2:10: a.mode: \"\\xc3\\xbc\\xe2\\x82\\xac\" is not "
	    "\"shared\" "
	    "or \"host\"" },
	{ "{\"a\": {\"mode\": \"host\", \"\xc3\xbc\": 1}}",
	    ":1:24: a: unknown key \"\\xc3\\xbc\"" },

	/* The first of two. */
	{ "{\"a\": {\"x\": 1, \"mode\": 2}, \"B\": 3}",
	    ":1:8: a: unknown key \"x\"" },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		write_file(mistakes[i].text, strlen(mistakes[i].text));
		assert_refused(mistakes[i].error);
	}
}

/* Goal: columns are characters, as jansson counts them in its own. */
static void test_column_of_characters(void **state)
{
	static const char twice[] =
	    "{\"\xc3\xbc\": 1, \"a\": {\"x\":1,\"x\":2}}";
	static const char syntax[] = "{\"\xc3\xbc\": 1 2}";

	(void)state;
	write_file(twice, strlen(twice));
	assert_refused(":1:22: duplicate key \"x\"");
	write_file(syntax, strlen(syntax));
	assert_refused(":1:9: '}' expected near '2'");
}

static void test_zero_byte(void **state)
{
	(void)state;
	write_file("{}\0{}", 5);
	assert_refused(":1:3: end of file expected near end of file");
	write_file("{\"a\\u0000\": 1}", 14);
	assert_refused(":1:10: NUL byte in object key not supported near "
		       "'\"a\\u0000\"'");
}

/* Goal: what is deep or long ends in a line as well. */
static void test_deep(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, '[', CONFIG_SIZE_MAX);
	write_file(text, CONFIG_SIZE_MAX);
	assert_refused(":1:2049: maximum parsing depth reached near '['");
	free(text);
}

/* Goal: a text cut at any byte is refused at a place that exists. */
static void test_cut(void **state)
{
	static const char text[] =
	    "{\n  \"web\": {\"mode\": \"shared\",\n"
	    "  \"subnet\": \"192.168.1.0/24\"}, \"\xc3\xbc\": 1}";

	(void)state;
	for (size_t length = 0; length < strlen(text); length++) {
		struct config *config = NULL;
		int line = 0;
		int column = 0;

		write_file(text, length);
		assert_int_equal(load(&config), CONFIG_REFUSED);
		assert_int_equal(sscanf(config->error + strlen(path),
				     ":%d:%d: ", &line, &column),
		    2);
		assert_in_range(line, 1, 3);
		assert_in_range(column, 1, 40);
		config_destroy(config);
	}
}

/*
 * What is refused for what it is.
 */

static void test_size(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX + 1);
	struct config *config = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CONFIG_SIZE_MAX + 1);
	memcpy(text, "{}", 2);
	write_file(text, CONFIG_SIZE_MAX);
	assert_int_equal(load(&config), CONFIG_LOADED);
	config_destroy(config);
	write_file(text, CONFIG_SIZE_MAX + 1);
	assert_refused(": larger than 64 KiB");
	free(text);

	/* A file of a gigabyte is not read. */
	write_file("{}", 2);
	assert_int_equal(truncate(path, (off_t)1 << 30), 0);
	assert_refused(": larger than 64 KiB");
}

static void test_not_a_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_refused(": Is a directory");

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_refused(": not a regular file");

	assert_int_equal(symlink("/dev/null", path), 0);
	assert_refused(": a symbolic link");
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_refused(": a symbolic link");
}

static void test_device(void **state)
{
	(void)state;
	if (mknod(path, S_IFCHR | 0644, makedev(1, 5)) != 0) {
		skip(); /* only root makes devices */
	}
	assert_refused(
	    geteuid() == 0 ? ": not a regular file" : ": Permission denied");
}

static void test_modes(void **state)
{
	static const struct {
		mode_t mode;
		bool good;
	} modes[] = {
		{ 0600, true },
		{ 0640, true },
		{ 0644, true },
		{ 0444, true },
		{ 0755, true },
		{ 0664, false },
		{ 0646, false },
		{ 0666, false },
		{ 0620, false },
		{ 0602, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct config *config = NULL;

		write_file("{}", 2);
		assert_int_equal(chmod(path, modes[i].mode), 0);
		if (!modes[i].good) {
			assert_refused(
			    ": writable by group or others (chmod go-w)");
			continue;
		}
		assert_int_equal(load(&config), CONFIG_LOADED);
		config_destroy(config);
	}
}

/* Goal: of the owners root, us and the given one, and of no other. */
static void test_owner(void **state)
{
	struct config *config = config_create();

	(void)state;
	if (geteuid() != 0) {
		config_destroy(config);
		skip(); /* only root gives files away */
	}
	write_file("{}", 2);
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_int_equal(config_load(config, path, 4242), CONFIG_LOADED);
	config_destroy(config);
	assert_refused(
	    ": not owned by root or by the user who runs the broker");
}

static void test_unreadable(void **state)
{
	struct config *config = config_create();
	enum config_result result = CONFIG_LOADED;
	char line[256];

	(void)state;
	write_file("{}", 2);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	/* Root may read everything. */
	if (geteuid() == 0) {
		assert_int_equal(seteuid(4242), 0);
	}
	result = config_load(config, path, 0);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(result, CONFIG_REFUSED);
	snprintf(line, sizeof(line), "%s: Permission denied", path);
	assert_string_equal(config->error, line);
	assert_int_equal(remove(path), 0);
	config_destroy(config);
}

/* Goal: S14: of all short texts and many long ones, exactly the names. */
static void test_names(void **state)
{
	char text[80];

	(void)state;
	for (int a = 0; a < 256; a++) {
		bool first = (a >= 'a' && a <= 'z') || (a >= '0' && a <= '9');

		text[0] = (char)a;
		assert_int_equal(name_is_valid(text, 1), first);
		for (int b = 0; b < 256; b++) {
			bool more = (b >= 'a' && b <= 'z') ||
			    (b >= '0' && b <= '9') || b == '.' || b == '_' ||
			    b == '-';

			text[1] = (char)b;
			assert_int_equal(name_is_valid(text, 2), first && more);
		}
	}
	assert_false(name_is_valid("", 0));
	memset(text, 'a', sizeof(text));
	for (size_t length = 1; length < sizeof(text); length++) {
		assert_int_equal(name_is_valid(text, length), length <= 63);
	}
	for (size_t i = 0; i < 63; i++) {
		text[i] = '/';
		assert_false(name_is_valid(text, 63));
		text[i] = 'a';
	}
}

/* Goal: S1, S14: of a million generated strings just those are names that the
 * grammar makes, and each is escaped into printable text that fits. */
static void test_generated_strings(void **state)
{
	static const char allowed[] = "abcxyz0189._-";
	unsigned int names = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 1000000; i++) {
		char text[70];
		char out[TEXT_ESCAPED];
		size_t length = (size_t)random() % sizeof(text);
		bool name = length > 0 && length <= 63;

		for (size_t at = 0; at < length; at++) {
			text[at] = random() % 40 == 0
			    ? (char)random()
			    : allowed[(size_t)random() % (sizeof(allowed) - 1)];
			name = name &&
			    (islower((unsigned char)text[at]) ||
				isdigit((unsigned char)text[at]) ||
				(at > 0 && text[at] != '\0' &&
				    strchr("._-", text[at]) != NULL));
		}
		assert_int_equal(name_is_valid(text, length), name);
		names += name;
		text_escape(out, text, length);
		assert_true(strlen(out) < TEXT_ESCAPED);
		for (const char *at = out; *at != '\0'; at++) {
			assert_true(*at >= ' ' && *at <= '~' && *at != '"');
		}
	}
	/* Both kinds were there. */
	assert_true(names > 10000 && names < 990000);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1",
		"1e1", "1.0", "101", "4", "18446744073709551616",
		"99999999999999999999999", "ten", "1\n" };
	unsigned long number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(text_to_number(bad[i], 5, 100, &number), -1);
		assert_int_equal(number, 7);
	}
	assert_int_equal(text_to_number("5", 5, 100, &number), 0);
	assert_int_equal(number, 5);
	assert_int_equal(text_to_number("0100", 5, 100, &number), 0);
	assert_int_equal(number, 100);
	assert_int_equal(text_to_number("9", 0, 8, &number), -1);
	assert_int_equal(
	    text_to_number("18446744073709551615", 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
}

static void test_escape(void **state)
{
	char out[TEXT_ESCAPED];
	char text[100];

	(void)state;
	text_escape(out, "a \"b\"\\\n\x7f\xff%n", 11);
	assert_string_equal(out, "a \\x22b\\x22\\x5c\\x0a\\x7f\\xff%n");
	text_escape(out, "", 0);
	assert_string_equal(out, "");
	memset(text, 'x', sizeof(text));
	text_escape(out, text, 64);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 61, "xxx");
	text_escape(out, text, 65);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 60, "x...");
	/* An escape is not cut in two. */
	text[59] = '\n';
	text_escape(out, text, 100);
	assert_string_equal(out + 58, "x...");
	memset(text, 0xff, sizeof(text));
	for (size_t length = 0; length <= sizeof(text); length++) {
		text_escape(out, text, length);
		assert_int_equal(strlen(out), length <= 16 ? length * 4 : 63);
	}
}

static void test_subnets(void **state)
{
	static const char *const bad[] = { "", "/", "10.0.0.0", "10.0.0.0/",
		"10.0.0.0/24 ", " 10.0.0.0/24", "10.0.0/24", "10.0.0.0.0/24",
		"010.0.0.0/24", "10.0.0.00/24", "10.0.0.256/24", "10.0.0.0/024",
		"10.0.0.0/-1", "10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/30",
		"10.0.0.0/32", "10.0.0.0/4294967312", "0xa.0.0.0/24",
		"172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16",
		"127.0.0.0/16", "0.0.0.0/16", "10.0.0.4/29", "fd00::/64" };
	struct subnet subnet = { 0 };
	const char *reason = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		if (subnet_parse(bad[i], &subnet, &reason) == 0) {
			fail_msg("taken: \"%s\"", bad[i]);
		}
		assert_non_null(reason);
	}
	assert_int_equal(
	    subnet_parse("172.31.255.248/29", &subnet, &reason), 0);
	assert_int_equal(subnet.address, 0xac1ffff8);
	assert_int_equal(subnet_mask(&subnet), 0xfffffff8);
	assert_int_equal(subnet_of(0xc0a84001, 0xffffff00, &subnet), 0);
	assert_int_equal(subnet.address, 0xc0a84000);
	assert_int_equal(subnet.length, 24);
	assert_int_equal(subnet_of(1, 0xff00ff00, &subnet), -1);
	assert_int_equal(subnet_of(1, 0xffffffff, &subnet), 0);
	assert_int_equal(subnet.length, 32);
	assert_int_equal(subnet_of(1, 0, &subnet), 0);
	assert_int_equal(subnet.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty_object),
		cmocka_unit_test(test_builtin_subnet),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_column_of_characters),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_generated_strings),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_subnets),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
