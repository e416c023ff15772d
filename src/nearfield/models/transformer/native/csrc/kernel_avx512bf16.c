/* bfloat16 with float32 sums on AVX512-BF16: Zen 4, Cooper Lake, Sapphire Rapids and later. */
#define NF_BFLOAT16
#include "product_registers.h"
#include "kernel.h"

DEFINE_KERNEL(nf_kernel_avx512bf16, "avx512bf16", NF_FAST, 0, nf_cpu_has_avx512bf16)
