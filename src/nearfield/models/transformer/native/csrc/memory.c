/* The threads' workspaces. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "arena.h"

#define HUGE_PAGE ((size_t)2 << 20)

void *nf_allocate(size_t bytes) {
    size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    bytes = nf_round_up(bytes ? bytes : 1, alignment);
    void *memory = aligned_alloc(alignment, bytes);
    if (!memory) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    /* Weights are read from end to end: with 4 kB pages each page would cost a table walk. */
    if (alignment == HUGE_PAGE) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    memset(memory, 0, bytes);
    return memory;
}

static void lay_workspace(arena *a, const nf_model *m, workspace *w) {
    const size_t element = m->kernel->element, rows = w->tokens + m->kernel->rows;
    const size_t keys = nf_round_up(w->tokens, NF_ALIGN);
    w->scratch = take(a, w->members * sizeof *w->scratch);
    w->state = take(a, rows * m->state_stride * element);
    w->residual = take(a, rows * m->hidden * sizeof(float));
    w->qkv = take(a, rows * m->qkv_stride * element);
    w->context = take(a, rows * m->context_stride * element);
    w->wide = take(a, rows * m->wide_stride * element);
    for (size_t i = 0; i < w->members; i++) {
        scratch own;
        own.scores = take(a, m->kernel->rows * keys * sizeof(float));
        own.shares = take(a, m->kernel->rows * (keys + NF_ALIGN) * element);
        own.keys = take(a, keys * m->head * element);
        own.values = take(a, keys * m->head * element);
        own.tile = take(a, 2 * m->kernel->rows * NF_ALIGN * sizeof(float));
        if (a->base) w->scratch[i] = own;
    }
}

static workspace *new_workspace(const nf_model *m, size_t tokens, size_t members) {
    workspace *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    arena counted = {NULL, 0};
    w->tokens = tokens;
    w->members = members;
    lay_workspace(&counted, m, w);
    w->memory = nf_allocate(counted.used);
    if (!w->memory) {
        free(w);
        return NULL;
    }
    arena real = {w->memory, 0};
    lay_workspace(&real, m, w);
    return w;
}

static void free_workspace(workspace *w) {
    free(w->memory);
    free(w);
}

/* A workspace for at least so many tokens and members; a spare one that is too small makes room
 * for it. */
workspace *nf_take_workspace(nf_model *m, size_t tokens, size_t members) {
    pthread_mutex_lock(&m->lock);
    workspace *w = m->spare;
    if (w) m->spare = w->next;
    pthread_mutex_unlock(&m->lock);
    if (w && w->tokens >= tokens && w->members >= members) return w;
    if (w) { /* as large as either needs, so that calls of two kinds do not take turns in this */
        if (w->tokens > tokens) tokens = w->tokens;
        if (w->members > members) members = w->members;
        free_workspace(w);
    }
    return new_workspace(m, tokens, members);
}

void nf_return_workspace(nf_model *m, workspace *w) {
    pthread_mutex_lock(&m->lock);
    w->next = m->spare;
    m->spare = w;
    pthread_mutex_unlock(&m->lock);
}

void nf_free_workspaces(nf_model *m) {
    while (m->spare) {
        workspace *w = m->spare;
        m->spare = w->next;
        free_workspace(w);
    }
}
