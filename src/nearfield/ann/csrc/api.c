/* The list of kernels, and quantising into a unit. */
#include <stdlib.h>

#include "kernel.h"

/* Preferred first. */
static const nfa_kernel *const kernels[] = {
#if defined(NF_WITH_AVX512)
    &nfa_kernel_avx512,
#endif
#if defined(NF_WITH_AVX2)
    &nfa_kernel_avx2,
#endif
    &nfa_kernel_plain,
};

#define KERNELS ((int32_t)(sizeof kernels / sizeof *kernels))

static int known(int32_t index) { return index >= 0 && index < KERNELS; }

int32_t nfa_abi_version(void) { return NFA_ABI_VERSION; }
int32_t nfa_kernel_count(void) { return KERNELS; }
const char *nfa_kernel_name(int32_t index) { return known(index) ? kernels[index]->name : ""; }
int32_t nfa_kernel_usable(int32_t index) { return known(index) ? kernels[index]->usable() : 0; }

const nfa_kernel *nfa_kernel_at(int32_t index) {
    return nfa_kernel_usable(index) ? kernels[index] : NULL;
}

int nfa_space_ok(const nfa_space *space) {
    return space && space->centre && space->signs && space->dimension >= 1 &&
           space->width >= space->dimension && space->width <= 16384 && space->width % 64 == 0 &&
           space->metric >= NFA_COSINE && space->metric <= NFA_EUCLIDEAN && space->rounds >= 0 &&
           space->rounds <= 64 && space->scale > 0.0;
}

int32_t nfa_encode(int32_t kernel, const nfa_space *space, const void *vectors, int64_t stride,
                   int64_t count, void *unit, int64_t first) {
    const nfa_kernel *chosen = nfa_kernel_at(kernel);
    if (!chosen || !nfa_space_ok(space) || count < 0 || first < 0 || !unit || stride % 4)
        return NFA_INVALID;
    if (first > (int64_t)UNIT || count > (int64_t)UNIT - first || (count && !vectors))
        return NFA_INVALID;
    float *work = aligned_alloc(64, (size_t)space->width * sizeof *work);
    if (!work) return NFA_OUT_OF_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        const float *vector = (const float *)(const void *)((const char *)vectors + i * stride);
        chosen->encode(space, vector, unit, (size_t)(first + i), work);
    }
    free(work);
    return NFA_OK;
}
