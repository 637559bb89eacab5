// SPDX-License-Identifier: BSD-3-Clause
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "clock.h"

#define SOCKET_NAME "dataplane.sock"
#define LOCK_NAME   "dataplane.lock"
#define LOCK_MS     2000u

// "/tmp/a/b" -> "dialgate-tmp-a-b"; the default directory is plain "dialgate".
static void instance_name(const char *run, char *name, size_t size)
{
    if (strcmp(run, RUNDIR_DEFAULT) == 0) {
        snprintf(name, size, "dialgate");
        return;
    }
    snprintf(name, size, "dialgate%s", run);
    for (char *c = name; *c != '\0'; c++) {
        if (*c == '/')
            *c = '-';
    }
}

// EAL makes socket paths of the prefix, which hold about 70 octets of it: a longer name is replaced by its
// FNV-1a hash.
static void instance_prefix(const char *name, char prefix[RUNDIR_PREFIX_SIZE])
{
    uint64_t hash = 0xcbf29ce484222325u;

    if (strlen(name) < RUNDIR_PREFIX_SIZE) {
        memcpy(prefix, name, strlen(name) + 1);
        return;
    }
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(prefix, RUNDIR_PREFIX_SIZE, "dialgate-%016llx", (unsigned long long)hash);
}

int rundir_make(const char *path, mode_t mode, const char *option, struct fault *fault)
{
    struct stat status;

    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return fault_set(fault, errno, "directory %s: %s; create it or choose another with %s", path,
                         strerror(errno), option);
    if (stat(path, &status) < 0)
        return fault_set(fault, errno, "directory %s: %s; choose another with %s", path, strerror(errno),
                         option);
    if (!S_ISDIR(status.st_mode))
        return fault_set(fault, ENOTDIR, "%s is no directory; remove it or choose another with %s", path,
                         option);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return fault_set(fault, EPERM, "directory %s belongs to uid %u; remove it or choose another with %s",
                         path, (unsigned)status.st_uid, option);
    if ((status.st_mode & S_IWOTH) != 0)
        return fault_set(fault, EPERM,
                         "directory %s can be written by everybody; chmod o-w it or choose another with %s",
                         path, option);
    return 0;
}

// A killed process is gone for its parent before its last threads are, and they hold the lock until then.
static int wait_for_lock(int fd)
{
    uint64_t deadline_ms = clock_ms() + LOCK_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || clock_ms() > deadline_ms)
            return -errno;
        usleep(1000);
    }
    return 0;
}

static int take_lock(struct rundir *dir, struct fault *fault)
{
    char path[PATH_MAX + sizeof(LOCK_NAME) + 1];
    int result;

    snprintf(path, sizeof(path), "%s/" LOCK_NAME, dir->run);
    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock < 0)
        return fault_set(fault, errno, "lock %s: %s; run as the directory's owner", path, strerror(errno));
    result = wait_for_lock(dir->lock);
    if (result < 0) {
        close(dir->lock);
        dir->lock = -1;
        return fault_set(
            fault, -result,
            "run directory %s is in use by another dialgate-dataplane; stop it or choose another with "
            "--run-directory",
            dir->run);
    }
    return 0;
}

int rundir_open(struct rundir *dir, const char *run, const char *state, struct fault *fault)
{
    char name[PATH_MAX + sizeof("dialgate")];
    int result;

    dir->lock = -1;
    result = rundir_make(run, 0750, "--run-directory", fault);
    if (result < 0)
        return result;
    if (realpath(run, dir->run) == NULL)
        return fault_set(fault, errno, "directory %s: %s", run, strerror(errno));
    if (strlen(dir->run) + sizeof("/" SOCKET_NAME) > sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return fault_set(fault, ENAMETOOLONG,
                         "run directory: its path is too long for a socket; choose a shorter one");
    instance_name(dir->run, name, sizeof(name));
    instance_prefix(name, dir->prefix);
    if (state != NULL)
        snprintf(dir->state, sizeof(dir->state), "%s", state);
    else
        snprintf(dir->state, sizeof(dir->state), "/dev/shm/%.*s", (int)sizeof(dir->state) - 16, name);
    result = take_lock(dir, fault);
    if (result < 0)
        return result;
    result = rundir_make(dir->state, 0700, "--state-directory", fault);
    if (result < 0)
        rundir_close(dir, false);
    return result;
}

static int bind_socket(int fd, const struct sockaddr_un *address)
{
    // Only root and our own user may come; the mask makes the file 0600 from its first moment.
    mode_t mask = umask(0177);
    int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    int error = errno;

    umask(mask);
    errno = error;
    return result;
}

int rundir_listen(const struct rundir *dir, struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    int fd;

    snprintf(address.sun_path, sizeof(address.sun_path), "%.*s/" SOCKET_NAME,
             (int)(sizeof(address.sun_path) - sizeof("/" SOCKET_NAME)), dir->run);
    if (lstat(address.sun_path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode))
            return fault_set(fault, EEXIST, "%s is no socket; remove it or choose another --run-directory",
                             address.sun_path);
        if (status.st_uid != geteuid())
            return fault_set(fault, EPERM,
                             "socket %s belongs to uid %u; remove it or choose another --run-directory",
                             address.sun_path, (unsigned)status.st_uid);
        // We hold the lock, so whoever bound it is dead.
        unlink(address.sun_path);
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fault_set(fault, errno, "socket %s: %s", address.sun_path, strerror(errno));
    if (bind_socket(fd, &address) < 0 || listen(fd, 4) < 0) {
        int error = errno;

        close(fd);
        return fault_set(fault, error, "socket %s: %s; check the directory's owner and mode",
                         address.sun_path, strerror(error));
    }
    return fd;
}

void rundir_close(struct rundir *dir, bool listening)
{
    char path[PATH_MAX + sizeof(SOCKET_NAME) + 1];

    if (listening) {
        snprintf(path, sizeof(path), "%s/" SOCKET_NAME, dir->run);
        unlink(path);
    }
    if (dir->lock >= 0)
        close(dir->lock);
    dir->lock = -1;
}
