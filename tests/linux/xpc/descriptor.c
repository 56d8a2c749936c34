// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Objects that own a descriptor: files, shared memory, endpoints.
 */

#include "object.h"

#include <errno.h>
#include <sys/stat.h>

static void dispose(struct xobject *object)
{
	close(((struct xdescriptor *)object)->fd);
	xobject_free(object);
}

XPC_TYPE(_xpc_type_fd) = { "fd", dispose };
XPC_TYPE(_xpc_type_shmem) = { "shmem", dispose };
XPC_TYPE(_xpc_type_endpoint) = { "endpoint", dispose };

struct xobject *xdescriptor_create(xpc_type_t type, int fd, uint64_t length)
{
	struct xdescriptor *self = xobject_create(type, sizeof(*self));

	self->fd = fd;
	self->length = length;
	return &self->object;
}

xpc_object_t xpc_fd_create(int fd)
{
	int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (duplicate == -1) {
		return NULL;
	}
	return xdescriptor_create(XPC_TYPE_FD, duplicate, 0);
}

int xpc_fd_dup(xpc_object_t xfd)
{
	if (!xobject_is(xfd, XPC_TYPE_FD)) {
		return -1;
	}
	return fcntl(((struct xdescriptor *)xfd)->fd, F_DUPFD_CLOEXEC, 0);
}

/*
 * macOS shares the pages of the region that is already there. Here its content
 * moves into a memfd, which is then mapped over the region: a thread that wrote
 * to it before now writes to the shared memory.
 */
xpc_object_t xpc_shmem_create(void *region, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (length + page - 1) / page * page;
	int fd = -1;

	if ((uintptr_t)region % page != 0 || length == 0) {
		xmisuse("xpc_shmem_create: the region must come from mmap()");
	}
	fd = memfd_create("xpc-shmem", MFD_CLOEXEC);
	if (fd == -1 || ftruncate(fd, (off_t)size) == -1 ||
	    pwrite(fd, region, length, 0) != (ssize_t)length ||
	    mmap(region, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		fd, 0) == MAP_FAILED) {
		xmisuse("xpc_shmem_create: %s", strerror(errno));
	}
	return xdescriptor_create(XPC_TYPE_SHMEM, fd, length);
}

size_t xpc_shmem_map(xpc_object_t xshmem, void **region)
{
	struct xdescriptor *self = xshmem;
	struct stat status;
	void *memory = NULL;

	if (!xobject_is(xshmem, XPC_TYPE_SHMEM)) {
		return 0;
	}
	/* A peer may have sent any descriptor, and any length. */
	if (fstat(self->fd, &status) == -1 || status.st_size < 0 ||
	    self->length == 0 || (uint64_t)status.st_size < self->length) {
		return 0;
	}
	memory = mmap(NULL, self->length, PROT_READ | PROT_WRITE, MAP_SHARED,
	    self->fd, 0);
	if (memory == MAP_FAILED) {
		return 0;
	}
	*region = memory;
	return self->length;
}
