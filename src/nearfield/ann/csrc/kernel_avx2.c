/* AVX2 with FMA: most x86 processors since 2013. */
#include "loops.h"

static int usable(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

DEFINE_KERNEL(nfa_kernel_avx2, "avx2")
