/* bfloat16 with float32 sums on AMX tiles: Sapphire Rapids and later. */
#define NF_BFLOAT16
#include "product_tiles.h"
#include "kernel.h"

DEFINE_KERNEL(nf_kernel_amx, "amx", NF_FAST, 0, nf_cpu_has_amx)
