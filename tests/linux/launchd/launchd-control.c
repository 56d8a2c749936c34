// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launchd.sock, SOCK_SEQPACKET. A job's process sends
 *
 *     checkin NAME       -> "ok" and the listening descriptor of the service,
 *                           or "error TEXT"; the connection stays open
 *     transactions N     as often as the number of open ones changes
 *
 * The kernel identifies the sender: only the process that launchd itself
 * started is the job.
 *
 * launchd-verb.c handles the messages of launchctl.
 */

#define _GNU_SOURCE

#include "launchd-control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/unix.h"

static struct watch listener;
static char *socket_path;
static struct connection *connections;

static void connection_close(struct connection *connection)
{
	struct connection **link = &connections;

	while (*link != connection) {
		link = &(*link)->next;
	}
	*link = connection->next;
	loop_remove(&connection->watch);
	close(connection->watch.fd);
	free(connection->target);
	free(connection);
}

void control_send(
    struct connection *connection, const char *text, const int *fd)
{
	if (unix_send_now(connection->watch.fd, text, strlen(text), fd,
		fd != NULL ? 1 : 0) == -1) {
		log_error("pid %d: cannot send the reply: %m",
		    (int)connection->peer.pid);
	}
}

/*
 * Jobs
 */

static void check_in(struct connection *connection, const char *name)
{
	struct job *job = job_find_pid(connection->peer.pid);
	struct service *service = job != NULL ? job_service(job, name) : NULL;
	char text[256];

	if (service == NULL || service->watch.fd == -1) {
		log_error("pid %d: checks in for %.100s: %s",
		    (int)connection->peer.pid, name,
		    job == NULL ? "not a job" : "not in its MachServices");
		snprintf(
		    text, sizeof(text), "error %.200s: not this job's", name);
		control_send(connection, text, NULL);
		return;
	}
	connection->job = job;
	control_send(connection, "ok", &service->watch.fd);
}

static void set_transactions(struct connection *connection, const char *text)
{
	struct job *job = job_find_pid(connection->peer.pid);

	if (job != NULL) {
		job->active = (unsigned)strtoul(text, NULL, 10);
		connection->job = job;
	}
}

/*
 * launchctls that wait
 */

static bool is_reached(
    const struct connection *connection, const struct job *job)
{
	switch (connection->condition) {
	case WAIT_RUNNING:
		return job->pid != 0;
	case WAIT_EXITED:
		return job->pid == 0;
	case WAIT_RUNS:
		return job->runs >= connection->number;
	case WAIT_ACTIVE:
		return job->active == connection->number;
	default:
		return false;
	}
}

void control_wake(void)
{
	for (struct connection *connection = connections; connection != NULL;
	     connection = connection->next) {
		struct job *job;

		if (connection->condition == WAIT_NOTHING) {
			continue;
		}
		job = job_find(connection->target);
		if (job != NULL && !is_reached(connection, job)) {
			continue;
		}
		if (job != NULL) {
			verb_answer(
			    connection, LAUNCHD_OK, "%d\n", (int)job->pid);
		} else if (connection->condition == WAIT_GONE ||
		    connection->condition == WAIT_EXITED) {
			verb_answer(connection, LAUNCHD_OK, "0\n");
		} else {
			verb_answer_unknown(connection, connection->target);
		}
		connection->condition = WAIT_NOTHING;
		free(connection->target);
		connection->target = NULL;
	}
}

/*
 * Connections
 */

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Reads one message. false: none has arrived; *closed: the peer has closed. */
static bool connection_read(struct connection *connection, bool *closed)
{
	static char text[CONTROL_MESSAGE_MAX + 1];
	ssize_t length;

	*closed = false;
	length = unix_receive(
	    connection->watch.fd, text, CONTROL_MESSAGE_MAX, NULL, NULL);
	if (length <= 0) {
		*closed = length == 0 || (errno != EAGAIN && errno != EMSGSIZE);
		return length == -1 && errno == EMSGSIZE;
	}
	text[length] = '\0';
	if (starts_with(text, "checkin ")) {
		check_in(connection, text + strlen("checkin "));
	} else if (starts_with(text, "transactions ")) {
		set_transactions(connection, text + strlen("transactions "));
	} else if (strcmp(text, "launchctl") == 0 &&
	    connection->condition == WAIT_NOTHING) {
		verb_run(connection, text, (size_t)length);
	} else {
		log_error("pid %d: unknown message", (int)connection->peer.pid);
		*closed = true;
		return false;
	}
	return true;
}

static void connection_ready(struct watch *watch)
{
	struct connection *connection = (struct connection *)watch;
	bool closed;

	connection_read(connection, &closed);
	if (closed) {
		connection_close(connection);
	}
}

/* Only reads: the loop closes connections, so that no list changes during an
 * iteration. */
void control_drain(struct job *job)
{
	bool closed;

	for (struct connection *connection = connections; connection != NULL;
	     connection = connection->next) {
		if (connection->job == job) {
			while (connection_read(connection, &closed)) {
			}
		}
	}
}

void control_forget(struct job *job)
{
	for (struct connection *connection = connections; connection != NULL;
	     connection = connection->next) {
		if (connection->job == job) {
			connection->job = NULL;
		}
	}
}

static void listener_ready(struct watch *watch)
{
	struct connection *connection;
	int fd;

	fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		if (errno != EAGAIN && errno != ECONNABORTED) {
			log_error("launchd.sock: %m");
		}
		return;
	}
	connection = allocate(sizeof(*connection));
	connection->watch.fd = fd;
	connection->watch.ready = connection_ready;
	if (unix_peer(fd, &connection->peer) == -1) {
		log_error("launchd.sock: %m");
		close(fd);
		free(connection);
		return;
	}
	connection->next = connections;
	connections = connection;
	loop_add(&connection->watch);
}

int control_start(const char *path)
{
	socket_path = copy(path);
	listener.ready = listener_ready;
	listener.fd =
	    unix_listen(path, SOCK_SEQPACKET | SOCK_NONBLOCK, 0666, SOMAXCONN);
	if (listener.fd == -1) {
		return -1;
	}
	loop_add(&listener);
	return 0;
}

void control_stop(void)
{
	while (connections != NULL) {
		connection_close(connections);
	}
	unlink(socket_path);
	free(socket_path);
	verb_stop();
}
