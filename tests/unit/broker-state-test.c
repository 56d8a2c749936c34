// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/state.c broker/file.c broker/subnet.c broker/text.c

/*
 * The state file: what is put comes back with the next broker, and whatever
 * somebody made of the file costs no more than that.
 */

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
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "state.h"
#include "standin.h"

static char directory[] = "/tmp/broker-state-test.XXXXXX";
static char path[128];

static int lines;
static char last_line[512];

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(last_line, sizeof(last_line), format, args);
	va_end(args);
	lines++;
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/subnets", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int forget(void **state)
{
	(void)state;
	unlink(path);
	chmod(directory, 0700);
	lines = 0;
	standin_fail(NULL);
	return 0;
}

static struct state *load(void)
{
	struct state *state = state_create(directory);

	assert_non_null(state);
	return state;
}

static void put(struct state *state, const char *name, const char *text)
{
	struct subnet subnet = { 0 };
	const char *reason = NULL;

	assert_int_equal(subnet_parse(text, &subnet, &reason), 0);
	state_put(state, name, &subnet);
}

/* "" for not known. */
static void assert_known(
    const struct state *state, const char *name, const char *expected)
{
	struct subnet subnet = { 0 };
	char text[SUBNET_TEXT] = "";

	if (state_get(state, name, &subnet) == 0) {
		subnet_format(&subnet, text);
	}
	assert_string_equal(text, expected);
}

static void save(struct state *state)
{
	char *text = state_copy_changes(state);

	assert_non_null(text);
	assert_int_equal(state_write(directory, text), 0);
	free(text);
	assert_null(state_copy_changes(state));
}

static void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
}

static void test_round_trip(void **unused)
{
	struct state *state = load();

	(void)unused;
	assert_int_equal(lines, 0);
	assert_null(state_copy_changes(state));
	put(state, "default", "192.168.64.0/24");
	put(state, "web", "192.168.65.0/24");
	put(state, "default", "192.168.66.0/24");
	save(state);
	/* What is known already is no change. */
	put(state, "web", "192.168.65.0/24");
	assert_null(state_copy_changes(state));
	state_destroy(state);

	state = load();
	assert_int_equal(lines, 0);
	assert_known(state, "default", "192.168.66.0/24");
	assert_known(state, "web", "192.168.65.0/24");
	assert_known(state, "we", "");
	state_destroy(state);
}

static void test_file(void **unused)
{
	struct state *state = load();
	char text[64] = "";
	struct stat st;
	int fd = -1;

	(void)unused;
	put(state, "default", "192.168.64.0/24");
	save(state);
	state_destroy(state);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 24);
	close(fd);
	assert_string_equal(text, "default 192.168.64.0/24\n");
}

/* Goal: the oldest is forgotten, and what is kept can be read again. */
static void test_full(void **unused)
{
	struct state *state = load();
	char name[64];
	char subnet[SUBNET_TEXT];

	(void)unused;
	for (int i = 0; i < STATE_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%062d", i);
		snprintf(
		    subnet, sizeof(subnet), "10.%d.%d.0/24", i / 256, i % 256);
		put(state, name, subnet);
	}
	save(state);
	state_destroy(state);
	state = load();
	assert_int_equal(lines, 0);
	for (int i = 0; i < STATE_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%062d", i);
		snprintf(
		    subnet, sizeof(subnet), "10.%d.%d.0/24", i / 256, i % 256);
		assert_known(state, name, i < 10 ? "" : subnet);
	}
	state_destroy(state);
}

/* Goal: what could not be read again is not remembered. */
static void test_odd_subnet(void **unused)
{
	static const struct subnet odd[] = {
		{ 0x08080800, 24 },
		{ 0xc0a84000, 30 },
		{ 0xc0a84001, 24 },
		{ 0, 0 },
	};
	struct state *state = load();

	(void)unused;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		state_put(state, "default", &odd[i]);
		assert_known(state, "default", "");
	}
	assert_null(state_copy_changes(state));
	state_destroy(state);
}

static const char *const damaged[] = {
	"default 192.168.64.0/24",
	"default 192.168.64.0/24\n\n",
	"\n",
	"default\n",
	"default \n",
	" 192.168.64.0/24\n",
	"default  192.168.64.0/24\n",
	"default 192.168.64.0/24 \n",
	"default\t192.168.64.0/24\n",
	"default 192.168.64.0/24\r\n",
	"default 192.168.64.1/24\n",
	"default 8.8.8.0/24\n",
	"default 192.168.64.0/33\n",
	"Default 192.168.64.0/24\n",
	"../x 192.168.64.0/24\n",
	"web 192.168.65.0/24\ndefault 192.168.64.0/24x\n",
	"default 192.168.64.0/24\ndefault 192.168.64.0/24\n",
	"default 192.168.64.0/2444444444444444444444444\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	" "
	"192.168.64.0/24\n",
};

/* Goal: nothing of a damaged file is taken, one line says so, and the next
 * write replaces it. */
static void test_damaged(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct state *state = NULL;

		forget(NULL);
		write_file(damaged[i], strlen(damaged[i]));
		state = load();
		assert_int_equal(lines, 1);
		assert_non_null(strstr(last_line,
		    "/subnets: ignored: "
		    "damaged"));
		assert_known(state, "default", "");
		assert_known(state, "web", "");
		put(state, "web", "10.0.0.0/16");
		save(state);
		state_destroy(state);
		state = load();
		assert_int_equal(lines, 1);
		assert_known(state, "web", "10.0.0.0/16");
		state_destroy(state);
	}
}

static void test_zero_byte(void **unused)
{
	static const char text[] = "default 192.168.64.0/24\0\n";
	struct state *state = NULL;

	(void)unused;
	write_file(text, sizeof(text) - 1);
	state = load();
	assert_int_equal(lines, 1);
	assert_known(state, "default", "");
	state_destroy(state);
}

static void assert_ignored(const char *reason)
{
	struct state *state = load();

	assert_int_equal(lines, 1);
	if (strstr(last_line, reason) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", last_line, reason);
	}
	assert_known(state, "default", "");
	state_destroy(state);
	lines = 0;
}

/* Goal: S15's matrix, for this file. None of these hangs or is followed. */
static void test_not_our_file(void **unused)
{
	static const char text[] = "default 192.168.64.0/24\n";

	(void)unused;
	write_file(text, sizeof(text) - 1);
	assert_int_equal(chmod(path, 0620), 0);
	assert_ignored("writable by group or others");
	assert_int_equal(chmod(path, 0602), 0);
	assert_ignored("writable by group or others");
	assert_int_equal(truncate(path, (off_t)1 << 30), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_ignored("larger than 32 KiB");
	unlink(path);

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_ignored("not a regular file");
	unlink(path);

	assert_int_equal(mkdir(path, 0700), 0);
	assert_ignored(strerror(EISDIR));
	rmdir(path);

	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_ignored("a symbolic link");
	unlink(path);
}

static void test_owner(void **unused)
{
	(void)unused;
	if (geteuid() != 0) {
		skip(); /* only root gives files away */
	}
	write_file("", 0);
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_ignored("its owner is neither root nor");
}

/* Goal: without a directory that is ours, everything works but memory. */
static void test_no_directory(void **unused)
{
	struct state *state = state_create("/nowhere/at/all");
	char *text = NULL;

	(void)unused;
	assert_non_null(state);
	assert_int_equal(lines, 1);
	put(state, "default", "192.168.64.0/24");
	assert_known(state, "default", "192.168.64.0/24");
	text = state_copy_changes(state);
	assert_int_equal(state_write("/nowhere/at/all", text), -1);
	assert_int_equal(errno, ENOENT);
	free(text);
	state_destroy(state);

	/* Others could put a file there. */
	lines = 0;
	assert_int_equal(chmod(directory, 0777), 0);
	assert_ignored(strerror(EPERM));
	assert_int_equal(state_write(directory, ""), -1);
	assert_int_equal(errno, EPERM);
}

/* Goal: what a broker left that died while it wrote is in nobody's way. */
static void test_left_over(void **unused)
{
	char left[160];
	struct state *state = load();

	(void)unused;
	snprintf(left, sizeof(left), "%s.new", path);
	assert_int_equal(symlink("/etc/passwd", left), 0);
	put(state, "default", "192.168.64.0/24");
	save(state);
	state_destroy(state);
	assert_int_equal(access(left, F_OK), -1);
	state = load();
	assert_known(state, "default", "192.168.64.0/24");
	state_destroy(state);
}

/* Goal: S17: whatever fails, the old file is there whole, or the new one. */
static void test_faults(void **unused)
{
	static const char *const kinds[] = { "malloc", "fd" };
	char plan[32];

	(void)unused;
	for (size_t kind = 0; kind < 2; kind++) {
		for (int n = 1; n < 12; n++) {
			struct state *state = load();
			struct state *next = NULL;
			char *text = NULL;

			put(state, "default", "192.168.64.0/24");
			save(state);
			put(state, "default", "192.168.65.0/24");
			snprintf(plan, sizeof(plan), "%s:%d", kinds[kind], n);
			standin_fail(plan);
			text = state_copy_changes(state);
			if (text != NULL) {
				state_write(directory, text);
			}
			next = state_create(directory);
			standin_fail(NULL);
			free(text);
			state_destroy(next);
			state_destroy(state);
			next = load();
			if (state_get(next, "default", &(struct subnet){ 0 }) !=
			    0) {
				fail_msg("%s: lost", plan);
			}
			state_destroy(next);
			unlink(path);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup(name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_file),
		TEST(test_full),
		TEST(test_odd_subnet),
		TEST(test_damaged),
		TEST(test_zero_byte),
		TEST(test_not_our_file),
		TEST(test_owner),
		TEST(test_no_directory),
		TEST(test_left_over),
		TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
