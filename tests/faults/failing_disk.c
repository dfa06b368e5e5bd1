/* Preloaded, it lets writing fail after so many steps, or locks not be there.
   SPIKECYCLE_WRITES: steps until all others fail. SPIKECYCLE_ERRNO: with what. SPIKECYCLE_LOCKS=none: no flock.
   SPIKECYCLE_BELOW: a folder; what is elsewhere goes on, and steps are then also to make files and folders, to bring
   them to the disk, and to rename them. Without it, steps are writes to regular files, standard output and error apart.
   The environment is asked at every step, so that a fork of a process that has loaded this can be made to fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static long steps;

/* For the caller who wants to know how many there are to fail at. */
long failing_disk_steps(void)
{
    return steps;
}

static int fails(void)
{
    if (__sync_fetch_and_add(&steps, 1) < atol(getenv("SPIKECYCLE_WRITES")))
        return 0;
    const char *number = getenv("SPIKECYCLE_ERRNO");
    errno = number ? atoi(number) : ENOSPC;
    return 1;
}

static int is_below(const char *path)
{
    const char *below = getenv("SPIKECYCLE_BELOW");
    return below && path && !strncmp(path, below, strlen(below));
}

static int descriptor_fails(int descriptor, int is_write)
{
    struct stat found;
    if (!getenv("SPIKECYCLE_WRITES") || descriptor < 3 || fstat(descriptor, &found) || !S_ISREG(found.st_mode))
        return 0;
    if (!getenv("SPIKECYCLE_BELOW"))
        return is_write && fails();
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return is_below(path) && fails();
}

static int path_fails(const char *path)
{
    return getenv("SPIKECYCLE_WRITES") && is_below(path) && fails();
}

#define REAL(name) dlsym(RTLD_NEXT, name)

ssize_t write(int descriptor, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = REAL("write");
    return descriptor_fails(descriptor, 1) ? -1 : real(descriptor, data, size);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t place)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = REAL("pwrite64");
    return descriptor_fails(descriptor, 1) ? -1 : real(descriptor, data, size, place);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t place)
{
    return pwrite64(descriptor, data, size, place);
}

int fsync(int descriptor)
{
    static int (*real)(int);
    if (!real)
        real = REAL("fsync");
    return descriptor_fails(descriptor, 0) ? -1 : real(descriptor);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (!real)
        real = REAL("rename");
    return path_fails(to) ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    static int (*real)(const char *, mode_t);
    if (!real)
        real = REAL("mkdir");
    return path_fails(path) ? -1 : real(path, mode);
}

static int opened(const char *name, int folder, const char *path, int flags, mode_t mode)
{
    int (*real)(int, const char *, int, ...) = REAL(name);
    return (flags & O_CREAT) && path_fails(path) ? -1 : real(folder, path, flags, mode);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    return opened("openat", AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    return opened("openat64", AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE(flags)
    return opened("openat", folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    MODE(flags)
    return opened("openat64", folder, path, flags, mode);
}

int flock(int descriptor, int operation)
{
    static int (*real)(int, int);
    const char *locks = getenv("SPIKECYCLE_LOCKS");
    if (locks && locks[0] == 'n') {
        errno = ENOLCK;
        return -1;
    }
    if (!real)
        real = REAL("flock");
    return real(descriptor, operation);
}
