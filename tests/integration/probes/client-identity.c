// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	xpc_object_t clients =
	    xpc_dictionary_get_value(ask_broker("clients"), "clients");
	bool user = false, process = false;

	for (size_t i = 0; i < xpc_array_get_count(clients); i++) {
		xpc_object_t client = xpc_array_get_value(clients, i);

		user |= xpc_dictionary_get_uint64(client, "uid") == geteuid();
		process |= xpc_dictionary_get_int64(client, "pid") == getpid();
	}
	if (!user || !process) {
		does_not_hold(
		    "the broker sees another %s", user ? "process" : "user");
	}
	holds("user %u, process %d", (unsigned)geteuid(), (int)getpid());
}

const struct probe probe = {
	.assumes = "XPC reports a client's effective user and its process",
	.if_holds = "\"allow\" and the limits of a user are applied to that "
		    "user; the process is for logs only",
	.if_not = "do not rely on \"allow\": it is applied to another user",
	.run = run,
};
