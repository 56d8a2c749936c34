// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The file system. The new root is a tmpfs, mounted on /run of the old one
 * since that exists everywhere and is not wanted inside. Folders where files
 * of our own come to lie - /, /etc, /var - are made anew and mirrored: every
 * entry of the host's is bound into them. So nothing we or the command write
 * there reaches the host; what lies deeper is the host's, /tmp among it.
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

/* Every entry of from but those in except appears in to, which exists. */
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

/* Folder inside the new root, mirrored from the old one if it is there. */
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

/* That of our network namespace lies on the host's: in a user namespace ip(8)
 * may mount another one only where one is left when it has unmounted this. */
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
 * The programs must be found by all users, though a home folder, or one made
 * by mktemp, lets only its owner through: such a folder on the way to the
 * repository is replaced by a mirror that may be passed. Read-only: what is
 * written there would be lost, so that it must not seem to work.
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
			log_error("%s: cannot be made passable: %m", folder);
			return -1;
		}
	}
	return 0;
}

/* Files in memory that are shared by name would outlive us. */
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
	/* Every process may add to it; libSystem does not make it. */
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
