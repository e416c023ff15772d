/* The AMX kernel with its tile instructions emulated, for tests. */
#define NF_BFLOAT16
#define NF_EMULATE_TILES
#include "product_tiles.h"
#include "kernel.h"

DEFINE_KERNEL(nf_kernel_amx_emulated, "amx-emulated", NF_FAST, 1, nf_cpu_has_avx512bf16)
