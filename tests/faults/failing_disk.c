/* Preloaded, it lets writing fail after so many writes, or locks not be there.
   SPIKECYCLE_WRITES: successful writes until all others fail. SPIKECYCLE_ERRNO: with what. SPIKECYCLE_LOCKS=none: no
   flock. Standard output and error, and what is no regular file, are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static long written;

static int fails(int descriptor)
{
    struct stat found;
    const char *limit = getenv("SPIKECYCLE_WRITES");
    if (!limit || descriptor < 3 || fstat(descriptor, &found) || !S_ISREG(found.st_mode))
        return 0;
    if (__sync_fetch_and_add(&written, 1) < atol(limit))
        return 0;
    const char *number = getenv("SPIKECYCLE_ERRNO");
    errno = number ? atoi(number) : ENOSPC;
    return 1;
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "write");
    return fails(descriptor) ? -1 : real(descriptor, data, size);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t place)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "pwrite64");
    return fails(descriptor) ? -1 : real(descriptor, data, size, place);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t place)
{
    return pwrite64(descriptor, data, size, place);
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
        real = dlsym(RTLD_NEXT, "flock");
    return real(descriptor, operation);
}
