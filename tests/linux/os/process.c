// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Names and paths of processes, as in <libproc.h> and <mach-o/dyld.h>.
 */

#include <libproc.h>
#include <mach-o/dyld.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int _NSGetExecutablePath(char *buffer, uint32_t *size)
{
	char path[MAXPATHLEN];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length == -1) {
		return -1;
	}
	if (*size < (size_t)length + 1) {
		*size = (uint32_t)length + 1;
		return -1;
	}
	memcpy(buffer, path, (size_t)length);
	buffer[length] = '\0';
	return 0;
}

int proc_pidpath(int pid, void *buffer, uint32_t size)
{
	char link[32];
	ssize_t length;

	if (size == 0) {
		errno = ENOMEM;
		return 0;
	}
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	length = readlink(link, buffer, size - 1);
	if (length == -1) {
		if (errno == ENOENT) {
			errno = ESRCH;
		}
		return 0;
	}
	((char *)buffer)[length] = '\0';
	return (int)length;
}

int proc_name(int pid, void *buffer, uint32_t size)
{
	char file[32];
	ssize_t length;
	int fd;

	if (size == 0) {
		errno = ENOMEM;
		return 0;
	}
	snprintf(file, sizeof(file), "/proc/%d/comm", pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		errno = ESRCH;
		return 0;
	}
	length = read(fd, buffer, size - 1);
	close(fd);
	if (length <= 0) {
		errno = ESRCH;
		return 0;
	}
	if (((char *)buffer)[length - 1] == '\n') {
		length--;
	}
	((char *)buffer)[length] = '\0';
	return (int)length;
}
