/* What this processor, as the operating system lets it be used, can run. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "model.h"

#if defined(__x86_64__)

#include <cpuid.h>

int nf_cpu_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

int nf_cpu_has_avx512(void) {
    return nf_cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* CPUID leaf 7.1 EAX bit 5; by hand, as not every supported compiler knows the name. */
int nf_cpu_has_avx512bf16(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return nf_cpu_has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

/* AMX-BF16 and AMX-TILE (leaf 7 EDX bits 22 and 24), the tile state switched on by the system
 * (XCR0 bits 17 and 18), and this process's permission to use it, which Linux grants on request. */
int nf_cpu_has_amx(void) {
    unsigned a = 0, b = 0, c = 0, d = 0, low, high;
    if (!nf_cpu_has_avx512bf16() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (!(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0; /* OSXSAVE */
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3) != 3) return 0;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#else
int nf_cpu_has_amx(void) { return 0; }
#endif

#else
int nf_cpu_has_avx2(void) { return 0; }
int nf_cpu_has_avx512(void) { return 0; }
int nf_cpu_has_avx512bf16(void) { return 0; }
int nf_cpu_has_amx(void) { return 0; }
#endif
