// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// fixture: broker-fixture
// link: tests/fuzz/service-fuzz-client.c

/*
 * libFuzzer on sequences of messages through the whole broker except main().
 * Several clients of several users connect, send requests and die; vmnet fails
 * or hangs; and the clock is stepped. The input is a program of letters, see
 * `operations`; all other characters are skipped, so that it may contain spaces
 * and newlines. After each input, every request must have got one reply, and
 * nothing may be left.
 */

#include <unistd.h>

#include <standin.h>

#include "broker-vmnet.h"
#include "broker-fixture.h"
#include "service-fuzz-client.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_user(const uint8_t *arguments)
{
	static const unsigned users[] = { 501, 502, 0 };

	fixture_set_user(users[pick(arguments[0], COUNT(users))]);
}

static void step_clock(const uint8_t *arguments)
{
	static const uint64_t steps[] = { 1, SECOND, 5 * SECOND - 1, 5 * SECOND,
		10 * SECOND, 30 * SECOND, 60 * SECOND, 3600 * SECOND };

	fixture_advance(steps[pick(arguments[0], COUNT(steps))]);
}

static void set_faults(const uint8_t *arguments)
{
	static const char *const plans[] = { NULL, "vmnet_network_create=1001",
		"vmnet_network_create:1=1009",
		"vmnet_network_configuration_create:1",
		"vmnet_network_configuration_set_ipv4_subnet:1",
		"vmnet_network_copy_serialization:1",
		"vmnet_stop_interface=1001",
		"vmnet_interface_start_with_network:1", "malloc:1", "malloc:2",
		"malloc:3", "malloc:4", "malloc:5+", "fd:1" };

	standin_fail(plans[pick(arguments[0], COUNT(plans))]);
}

static void set_hang(const uint8_t *arguments)
{
	static const char *const plans[] = { "vmnet_network_create:1",
		"vmnet_network_create:2",
		"vmnet_network_configuration_create:1",
		"vmnet_network_copy_serialization:1" };

	standin_hang(plans[pick(arguments[0], COUNT(plans))]);
}

static void unhang(const uint8_t *arguments)
{
	(void)arguments;
	standin_unhang();
}

static void set_anchor(const uint8_t *arguments)
{
	fake_vmnet.start =
	    (enum fake_start)pick(arguments[0], START_SILENT + 1);
	fake_vmnet.stop = (enum fake_stop)pick(arguments[1], STOP_SILENT + 1);
}

static void answer(const uint8_t *arguments)
{
	(void)arguments;
	fake_vmnet_answer();
}

static void set_subnets(const uint8_t *arguments)
{
	static const uint32_t masks[] = { 0xffffff00, 0xff00ff00, 0xffff0000 };

	fake_vmnet.refuse_all = pick(arguments[0], 2) == 1;
	fake_vmnet.mask = masks[pick(arguments[1], COUNT(masks))];
}

static void drain(const uint8_t *arguments)
{
	(void)arguments;
	fixture_stop(service_drain);
}

static void shut_down(const uint8_t *arguments)
{
	(void)arguments;
	fixture_stop(service_shut_down);
}

static void lose_listener(const uint8_t *arguments)
{
	(void)arguments;
	fixture_lose_listener();
}

/* Each operation is a letter and this many bytes, see pick(). */
static const struct operation {
	char letter;
	size_t arguments;
	void (*run)(const uint8_t *arguments);
} operations[] = {
	{ 'c', 1, client_connect }, /* CLIENT */
	{ 'd', 1, client_die },     /* CLIENT */
	{ 'a', 2, ask_acquire },    /* CLIENT NETWORK */
	{ 's', 1, ask_status },     /* CLIENT */
	{ 'e', 3, ask_command },    /* CLIENT COMMAND NETWORK */
	{ 'b', 4, ask_bytes },      /* CLIENT BYTE BYTE BYTE */
	{ 'v', 3, ask_value },      /* CLIENT TYPE KEY */
	{ 'o', 2, send_one_way },   /* CLIENT NETWORK */
	{ 'w', 1, wait_read },      /* CLIENT */
	{ 'u', 1, set_user },       /* USER */
	{ 't', 1, step_clock },     /* STEP */
	{ 'f', 1, set_faults },     /* PLAN */
	{ 'h', 1, set_hang },       /* PLAN */
	{ 'g', 0, unhang },
	{ 'm', 2, set_anchor }, /* START STOP */
	{ 'r', 0, answer },
	{ 'n', 2, set_subnets }, /* REFUSED MASK */
	{ 'q', 0, drain },
	{ 'k', 0, shut_down },
	{ 'l', 0, lose_listener },
};

static const struct operation *find(uint8_t letter)
{
	for (size_t i = 0; i < COUNT(operations); i++) {
		if (operations[i].letter == letter) {
			return &operations[i];
		}
	}
	return NULL;
}

static void run(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		const struct operation *operation = find(data[at]);

		if (operation != NULL && operation->arguments < size - at) {
			operation->run(data + at + 1);
			at += operation->arguments;
		}
	}
	standin_fail(NULL);
	standin_unhang();
	for (uint8_t i = 0; i < CLIENTS; i++) {
		client_die(&i);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char program[] = "c0a00w0d0";

	(void)argc;
	(void)argv;
	alarm(60); /* libFuzzer's timeout does not cover this run */
	fixture_open();
	LLVMFuzzerTestOneInput((const uint8_t *)program, sizeof(program) - 1);
	alarm(0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fixture_start();
	run(data, size);
	fixture_end();
	return 0;
}
