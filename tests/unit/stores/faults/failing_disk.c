/* Makes the n-th write to files below a folder fail, for tests: preloaded before the C library.

   FAIL_UNDER  part of the path of files that count
   FAIL_AT     number of the call that fails, from 1; 0 counts only
   FAIL_ERRNO  error that it reports
   FAIL_FOR    how many calls fail from there on (a full disk stays full)
   FAIL_COUNT  file that receives the number of calls at exit */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static int counts(int descriptor)
{
    char link[64], path[4096];
    const char *under = getenv("FAIL_UNDER");
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!under || length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, under) != NULL;
}

static long number(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

static int fails(int descriptor)
{
    if (!counts(descriptor))
        return 0;
    long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    long at = number("FAIL_AT", 0);
    if (!at || call < at || call >= at + number("FAIL_FOR", 1))
        return 0;
    errno = (int)number("FAIL_ERRNO", EIO);
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

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("FAIL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld", calls);
        fclose(file);
    }
}
