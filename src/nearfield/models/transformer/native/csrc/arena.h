/* Hands out pieces of one allocation; with base NULL it only counts. */
#ifndef NF_ARENA_H
#define NF_ARENA_H

#include "model.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define CACHE_LINE ((size_t)64)

typedef struct {
    char *base;
    size_t used;
} arena;

static inline void *take(arena *a, size_t bytes) {
    void *piece = a->base ? a->base + a->used : NULL;
    a->used += nf_round_up(bytes, CACHE_LINE);
#if defined(__SANITIZE_ADDRESS__)
    /* A gap that nobody may touch, so that leaving a piece is seen as leaving an allocation is. */
    if (a->base) ASAN_POISON_MEMORY_REGION(a->base + a->used, CACHE_LINE);
    a->used += CACHE_LINE;
#endif
    return piece;
}

#endif
