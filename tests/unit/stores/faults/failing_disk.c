/* Makes the n-th write to files below a folder fail, for tests: preloaded before the C library.

   A test calls failing_disk_arm() in the process itself; until then everything works. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, first, last;
static int reported;
static char under[4096];

/* Count calls on files with `part` in their path; the calls numbered from `from`, at 1, to `to`
   fail with `error`. Returns how many calls were counted since the last time. */
long failing_disk_arm(const char *part, long from, long to, int error)
{
    long counted = calls;
    snprintf(under, sizeof under, "%s", part);
    first = from;
    last = to;
    reported = error;
    calls = 0;
    return counted;
}

static int fails(int descriptor)
{
    char link[64], path[4096];
    if (!under[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, under))
        return 0;
    calls++;
    if (calls < first || calls > last)
        return 0;
    errno = reported;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size)
{
    return fails(fd) ? -1 : REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return fails(fd) ? -1 : REAL(pwrite)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return fails(fd) ? -1 : REAL(pwrite64)(fd, data, size, offset);
}
int ftruncate(int fd, off_t size)
{
    return fails(fd) ? -1 : REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size)
{
    return fails(fd) ? -1 : REAL(ftruncate64)(fd, size);
}
int fsync(int fd)
{
    return fails(fd) ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd)
{
    return fails(fd) ? -1 : REAL(fdatasync)(fd);
}
