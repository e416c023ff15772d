/* float32 on AVX2 with FMA: most x86 processors since 2013. */
#include "product_registers.h"
#include "kernel.h"

DEFINE_KERNEL(nf_kernel_avx2, "avx2", NF_EXACT, 0, nf_cpu_has_avx2)
