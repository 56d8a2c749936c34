// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* The files that an installer and an administrator would have put on the
 * Mac. */

#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/log.h"

#define SUPPORT "/Library/Application Support/" BROKER_LABEL

static const struct account {
	const char *name;
	unsigned id;
	const char *home;
	const char *shell;
} accounts[] = {
	{ BROKER_USER, BROKER_UID, "/var/empty", "/usr/bin/false" },
	{ "alice", 501, "/Users/alice", "/bin/sh" },
	{ "bob", 502, "/Users/bob", "/bin/sh" },
};
#define ACCOUNTS (sizeof(accounts) / sizeof(accounts[0]))

/* Writes text to a file of the new root. */
static int install_text(const char *inside, mode_t mode, const char *text)
{
	char path[PATH_MAX];

	root_path(path, sizeof(path), inside);
	return write_file(path, mode, text, strlen(text));
}

static int install_file(const char *from, const char *inside, mode_t mode)
{
	char path[PATH_MAX];
	size_t length;
	char *content = read_file(from, &length);
	int result;

	if (content == NULL) {
		log_error("%s: %m", from);
		return -1;
	}
	root_path(path, sizeof(path), inside);
	result = write_file(path, mode, content, length);
	free(content);
	return result;
}

static int install_directory(const char *inside)
{
	char path[PATH_MAX];

	root_path(path, sizeof(path), inside);
	return make_directories(path);
}

static bool is_account(const char *line)
{
	for (size_t i = 0; i < ACCOUNTS; i++) {
		size_t length = strlen(accounts[i].name);

		if (strncmp(line, accounts[i].name, length) == 0 &&
		    line[length] == ':') {
			return true;
		}
	}
	return false;
}

/* Ours come first: the first line with a name or an id counts. */
static int install_database(
    const char *path, void (*print)(FILE *out, const struct account *))
{
	char *text = NULL;
	char *old;
	size_t size;
	int result;
	FILE *out;

	old = read_file(path, &size);
	out = open_memstream(&text, &size);
	if (out == NULL) {
		log_error("%s: %m", path);
		free(old);
		return -1;
	}
	for (size_t i = 0; i < ACCOUNTS; i++) {
		print(out, &accounts[i]);
	}
	for (char *line = old; line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n');
		int length =
		    end != NULL ? (int)(end - line) + 1 : (int)strlen(line);

		if (!is_account(line)) {
			fprintf(out, "%.*s", length, line);
		}
		line += length;
	}
	fclose(out);
	result = install_text(path, 0644, text);
	free(text);
	free(old);
	return result;
}

static void print_user(FILE *out, const struct account *account)
{
	fprintf(out, "%s:x:%u:%u::%s:%s\n", account->name, account->id,
	    account->id, account->home, account->shell);
}

static void print_group(FILE *out, const struct account *account)
{
	fprintf(out, "%s:x:%u:\n", account->name, account->id);
}

static int install_home(const struct account *account)
{
	char path[PATH_MAX];

	root_path(path, sizeof(path), account->home);
	if (make_directories(path) == -1) {
		return -1;
	}
	if (strcmp(account->home, "/var/empty") != 0 &&
	    (chmod(path, 0700) == -1 ||
		chown(path, account->id, account->id) == -1)) {
		log_error("%s: %m", account->home);
		return -1;
	}
	return 0;
}

int install_users(const struct sandbox *sandbox)
{
	if (install_text(
		"/etc/resolv.conf", 0644, "nameserver 198.51.100.1\n") == -1 ||
	    install_text("/etc/hostname", 0644, "mac\n") == -1 ||
	    install_text("/etc/hosts", 0644,
		"127.0.0.1 localhost mac\n::1 localhost\n") == -1) {
		return -1;
	}
	if (!sandbox->users) {
		if (install_file("/etc/passwd", "/etc/passwd", 0644) == -1) {
			return -1;
		}
		return install_file("/etc/group", "/etc/group", 0644);
	}
	for (size_t i = 0; i < ACCOUNTS; i++) {
		if (install_home(&accounts[i]) == -1) {
			return -1;
		}
	}
	if (install_database("/etc/passwd", print_user) == -1) {
		return -1;
	}
	return install_database("/etc/group", print_group);
}

/* Owned by root and writable by no other user, as launchd requires. */
static const char *install_plist(const char *from, const char *folder)
{
	char name[PATH_MAX];
	char path[PATH_MAX];
	const char *inside;

	snprintf(name, sizeof(name), "%s", from);
	inside = format("%s/%s", folder, basename(name));
	if (install_directory(folder) == -1) {
		return NULL;
	}
	root_path(path, sizeof(path), inside);
	if (access(path, F_OK) == 0) {
		log_error("%s: another plist has the same name", from);
		return NULL;
	}
	return install_file(from, inside, 0644) == 0 ? inside : NULL;
}

static int install_plists(const struct sandbox *sandbox, struct list *arguments)
{
	const char *inside;

	for (int i = 0; i < sandbox->agents.count; i++) {
		const char *agent = sandbox->agents.items[i];
		const char *file = strchr(agent, '=') + 1;

		inside = install_plist(file, "/Library/LaunchAgents");
		if (inside == NULL) {
			return -1;
		}
		list_add(arguments, "--agent");
		list_add(arguments,
		    format("%.*s%s", (int)(file - agent), agent, inside));
	}
	for (int i = 0; !sandbox->no_daemon && i < sandbox->plists.count; i++) {
		inside = install_plist(
		    sandbox->plists.items[i], "/Library/LaunchDaemons");
		if (inside == NULL) {
			return -1;
		}
		list_add(arguments, inside);
	}
	return 0;
}

static int install_broker(const struct sandbox *sandbox)
{
	if (install_directory(SUPPORT) == -1) {
		return -1;
	}
	/* The broker and its configuration are optional unless the caller names
	 * them: another daemon's plist does not need them. */
	if ((sandbox->broker_asked || access(sandbox->broker, F_OK) == 0) &&
	    install_file(sandbox->broker, SUPPORT "/vmnet-broker", 0755) ==
		-1) {
		return -1;
	}
	if ((sandbox->config_asked || access(sandbox->config, F_OK) == 0) &&
	    install_file(sandbox->config, SUPPORT "/networks.json", 0644) ==
		-1) {
		return -1;
	}
	return 0;
}

static int install_tool(
    const struct sandbox *sandbox, const char *folder, const char *name)
{
	char path[PATH_MAX];

	root_path(path, sizeof(path), format("%s/%s", folder, name));
	if (symlink(format("%s/%s", sandbox->programs, name), path) == -1) {
		log_error("%s: %m", name);
		return -1;
	}
	return 0;
}

/* In the PATH of all users. The daemon itself is not there on a Mac either. */
static int install_tools(const struct sandbox *sandbox)
{
	if (install_tool(sandbox, SYSTEM_BIN, "launchctl") == -1) {
		return -1;
	}
	return install_tool(sandbox, INSTALLED_BIN, "vmnet-brokerctl");
}

int install_daemon(const struct sandbox *sandbox, struct list *arguments)
{
	for (int i = 0; i < sandbox->daemon_env.count; i++) {
		list_add(arguments, "--daemon-env");
		list_add(arguments, sandbox->daemon_env.items[i]);
	}
	for (int i = 0; i < sandbox->daemon_args.count; i++) {
		list_add(arguments, "--daemon-arg");
		list_add(arguments,
		    format(BROKER_LABEL "=%s", sandbox->daemon_args.items[i]));
	}
	if (install_tools(sandbox) == -1 || install_broker(sandbox) == -1) {
		return -1;
	}
	return install_plists(sandbox, arguments);
}
