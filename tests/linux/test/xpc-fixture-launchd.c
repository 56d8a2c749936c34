// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The launchd of xpc-fixture.h: one service, one job, one thread.
 */

#include "xpc-fixture-standin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

extern char **environ;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int control = -1; /* where processes check in */
static int service = -1; /* the service's socket */
static int job = -1;     /* control connection of the service */
static int wake[2];
static const char *service_name, *service_mode;
static pid_t running;
static long reported = -1;

static int listen_at(const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	    getenv("STANDIN_DIR"), name);
	assert_true(fd != -1);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4096), 0);
	return fd;
}

static void say(int fd, const char *text, int descriptor)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
			    .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS } };
	struct iovec bytes = { (char *)text, strlen(text) };
	struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (descriptor != -1) {
		memcpy(CMSG_DATA(&ancillary.header), &descriptor,
		    sizeof(descriptor));
		header.msg_control = &ancillary;
		header.msg_controllen = sizeof(ancillary);
	}
	sendmsg(fd, &header, MSG_NOSIGNAL);
}

/* Locked. */
static void hear(void)
{
	char text[512];
	ssize_t got = recv(job, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (got <= 0) {
		close(job);
		job = -1;
		return;
	}
	text[got] = '\0';
	if (strncmp(text, "checkin ", 8) == 0) {
		if (service != -1 && strcmp(text + 8, service_name) == 0) {
			say(job, "ok", service);
		} else {
			say(job, "error not a service of this job", -1);
		}
	} else if (strncmp(text, "transactions ", 13) == 0) {
		reported = strtol(text + 13, NULL, 10);
	}
	pthread_cond_broadcast(&changed);
}

/* Locked. A client connects and no service runs. */
static void spawn(void)
{
	char *arguments[] = { "/proc/self/exe", "serve", (char *)service_mode,
		NULL };

	if (posix_spawn(&running, "/proc/self/exe", NULL, NULL, arguments,
		environ) != 0) {
		abort();
	}
	pthread_cond_broadcast(&changed);
}

static void *run(void *unused)
{
	struct pollfd fds[4];
	char byte;

	(void)unused;
	for (;;) {
		pthread_mutex_lock(&lock);
		fds[0] = (struct pollfd){ wake[0], POLLIN, 0 };
		fds[1] = (struct pollfd){ control, POLLIN, 0 };
		fds[2] = (struct pollfd){ job, POLLIN, 0 };
		fds[3] = (struct pollfd){
			running == 0 && service_mode != NULL ? service : -1,
			POLLIN, 0
		};
		pthread_mutex_unlock(&lock);
		poll(fds, 4, -1);
		pthread_mutex_lock(&lock);
		if ((fds[0].revents & POLLIN) != 0) {
			(void)!read(wake[0], &byte, 1);
		}
		if ((fds[1].revents & POLLIN) != 0) {
			if (job != -1) {
				close(job);
			}
			job = accept4(control, NULL, NULL, SOCK_CLOEXEC);
		} else if (fds[2].revents != 0 && job == fds[2].fd) {
			hear();
		}
		if ((fds[3].revents & POLLIN) != 0 && running == 0) {
			spawn();
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* Locked. */
static void poke(void)
{
	(void)!write(wake[1], "", 1);
}

void launchd_start(void)
{
	pthread_t thread;

	assert_int_equal(pipe2(wake, O_CLOEXEC), 0);
	control = listen_at("launchd.sock", SOCK_SEQPACKET);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	pthread_detach(thread);
}

void launchd_register(const char *name, const char *mode)
{
	char path[256];

	snprintf(path, sizeof(path), "services/%s", name);
	pthread_mutex_lock(&lock);
	service = listen_at(path, SOCK_STREAM);
	service_name = name;
	service_mode = mode;
	reported = -1;
	poke();
	pthread_mutex_unlock(&lock);
}

void launchd_unregister(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/services/%s", getenv("STANDIN_DIR"),
	    service_name);
	pthread_mutex_lock(&lock);
	unlink(path);
	close(service);
	service = -1;
	service_mode = NULL;
	poke();
	pthread_mutex_unlock(&lock);
}

pid_t launchd_wait_running(void)
{
	pid_t pid;

	pthread_mutex_lock(&lock);
	while (running == 0) {
		pthread_cond_wait(&changed, &lock);
	}
	pid = running;
	pthread_mutex_unlock(&lock);
	return pid;
}

int launchd_wait_gone(void)
{
	pid_t pid = launchd_wait_running();
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	pthread_mutex_lock(&lock);
	running = 0;
	poke();
	pthread_mutex_unlock(&lock);
	return status;
}

void launchd_kill(void)
{
	kill(launchd_wait_running(), SIGKILL);
	launchd_wait_gone();
}

void launchd_wait_transactions(long count)
{
	pthread_mutex_lock(&lock);
	while (reported != count) {
		pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
}
