// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The file system. The new root is a tmpfs, mounted on the old root's /run,
 * which exists on every machine and is not needed inside. The folders to which
 * we add files (/, /etc, /var) are new, and every entry of the host's folder is
 * bind-mounted into them. So nothing that we or the command create directly in
 * these folders reaches the host; the entries, such as /tmp, are the host's.
 */

#define _GNU_SOURCE

#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/log.h"

#define BASE "/run"

void root_path(char *path, size_t size, const char *inside)
{
	snprintf(path, size, BASE "%s", inside);
}

static int mirror_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t length = readlink(from, target, sizeof(target) - 1);

	if (length == -1) {
		return -1;
	}
	target[length] = '\0';
	return symlink(target, to);
}

static int mirror_entry(const char *from, const char *to)
{
	struct stat status;
	int fd;

	if (lstat(from, &status) == -1) {
		return -1;
	}
	if (S_ISLNK(status.st_mode)) {
		return mirror_link(from, to);
	}
	if (S_ISDIR(status.st_mode)) {
		if (mkdir(to, 0755) == -1) {
			return -1;
		}
	} else {
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd == -1) {
			return -1;
		}
		close(fd);
	}
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL);
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL) {
		if (strcmp(name, *names) == 0) {
			return true;
		}
		names++;
	}
	return false;
}

/* Bind-mounts every entry of from, except those in except, into to, an existing
 * folder. */
static int mirror(const char *from, const char *to, const char *const *except)
{
	DIR *directory = opendir(from);
	char source[PATH_MAX];
	char target[PATH_MAX];
	struct dirent *entry;

	if (directory == NULL) {
		log_error("%s: %m", from);
		return -1;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    is_one_of(entry->d_name, except)) {
			continue;
		}
		snprintf(source, sizeof(source), "%s/%s",
		    strcmp(from, "/") == 0 ? "" : from, entry->d_name);
		snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
		/* Special files, and files that have just disappeared, are
		 * skipped. */
		if (mirror_entry(source, target) == -1 && errno != ENOENT) {
			log_info("%s: not in the sandbox: %m", source);
		}
	}
	closedir(directory);
	return 0;
}

/* Creates the folder in the new root, and mirrors the old root's if it
 * exists. */
static int make_mirror(const char *inside, const char *const *except)
{
	char path[PATH_MAX];

	root_path(path, sizeof(path), inside);
	if (mkdir(path, 0755) == -1) {
		log_error("%s: %m", path);
		return -1;
	}
	return access(inside, F_OK) == 0 ? mirror(inside, path, except) : 0;
}

static int mount_proc(void)
{
	if (mkdir(BASE "/proc", 0755) == -1 ||
	    mount("proc", BASE "/proc", "proc",
		MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1) {
		log_error("proc: %m (a container that hides parts of /proc "
			  "does not allow it)");
		return -1;
	}
	return 0;
}

/* Mounts the /sys of our network namespace on top of the host's: in a user
 * namespace ip(8), which unmounts /sys and mounts another, may do so only if
 * one remains below. */
static int mount_sys(void)
{
	if (mkdir(BASE "/sys", 0755) == -1 ||
	    mount("/sys", BASE "/sys", NULL, MS_BIND | MS_REC, NULL) == -1 ||
	    mount("sysfs", BASE "/sys", "sysfs",
		MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1) {
		log_error("sys: %m (a container that hides parts of /sys does "
			  "not allow it)");
		return -1;
	}
	/* If there are no cgroups, they are not needed. */
	mount("/sys/fs/cgroup", BASE "/sys/fs/cgroup", NULL, MS_BIND | MS_REC,
	    NULL);
	return 0;
}

/*
 * All users must be able to run the programs, but a home folder, or one made by
 * mktemp, may be accessible to its owner only. Each such folder on the path to
 * the repository is replaced by a mirror that all users may traverse. The
 * mirror is read-only, because files written to it would be lost.
 */
static int open_way(const char *repository)
{
	static const char *const nothing[] = { NULL };

	for (const char *end = repository; end != NULL;) {
		char folder[PATH_MAX];
		char path[PATH_MAX + sizeof(BASE)];
		struct stat status;

		end = strchr(end + 1, '/');
		snprintf(folder, sizeof(folder), "%.*s",
		    end != NULL ? (int)(end - repository)
				: (int)strlen(repository),
		    repository);
		if (end == NULL || stat(folder, &status) == -1 ||
		    (status.st_mode & S_IXOTH) != 0) {
			continue;
		}
		root_path(path, sizeof(path), folder);
		if (mount("tmpfs", path, "tmpfs", 0, NULL) == -1 ||
		    mirror(folder, path, nothing) == -1 ||
		    chown(path, status.st_uid, status.st_gid) == -1 ||
		    chmod(path, (status.st_mode | 0111) & 07777) == -1 ||
		    mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			NULL) == -1) {
			log_error("%s: cannot be made accessible: %m", folder);
			return -1;
		}
	}
	return 0;
}

/* Shared memory objects in the host's /dev/shm would outlive us. */
static int mount_shm(void)
{
	if (access("/dev/shm", F_OK) == 0 &&
	    mount("tmpfs", BASE "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV,
		"mode=1777") == -1) {
		log_error("/dev/shm: %m");
		return -1;
	}
	return 0;
}

int root_build(const struct sandbox *sandbox)
{
	static const char *const root_except[] = { "proc", "sys", "run", "etc",
		"var", "Library", "Users", NULL };
	static const char *const etc_except[] = { "passwd", "group",
		"resolv.conf", "hosts", "hostname", NULL };
	static const char *const var_except[] = { "run", "lock", "db", "empty",
		NULL };

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") ==
		-1) {
		log_error("root: %m");
		return -1;
	}
	if (mirror("/", BASE, root_except) == -1 ||
	    make_mirror("/etc", etc_except) == -1 ||
	    make_mirror("/var", var_except) == -1 || mount_shm() == -1 ||
	    mount_proc() == -1 || mount_sys() == -1) {
		return -1;
	}
	if (make_directories(BASE "/run/netns") == -1 ||
	    make_directories(BASE "/run/lock") == -1 ||
	    make_directories(BASE SYSTEM_BIN) == -1 ||
	    make_directories(BASE INSTALLED_BIN) == -1 ||
	    make_directories(BASE "/var/db") == -1 ||
	    make_directories(BASE "/var/empty") == -1 ||
	    symlink("/run", BASE "/var/run") == -1 ||
	    symlink("/run/lock", BASE "/var/lock") == -1) {
		log_error("root: %m");
		return -1;
	}
	/* The log: every process may append to it; libSystem does not create
	 * it. */
	if (write_file(BASE "/run/standin/log", 0666, "", 0) == -1) {
		return -1;
	}
	return sandbox->users ? open_way(sandbox->repository) : 0;
}

int root_enter(const struct sandbox *sandbox)
{
	/* Stacks the old root on the new one, and unmounts it. */
	if (chdir(BASE) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 ||
	    umount2(".", MNT_DETACH) == -1 || chdir("/") == -1) {
		log_error("pivot_root: %m");
		return -1;
	}
	if (chdir(sandbox->directory) == -1) {
		log_info("%s: %m: starting in /", sandbox->directory);
	}
	return 0;
}
