/* float32 on AVX-512. */
#include "product_registers.h"
#include "kernel.h"

DEFINE_KERNEL(nf_kernel_avx512, "avx512", NF_EXACT, 0, nf_cpu_has_avx512)
