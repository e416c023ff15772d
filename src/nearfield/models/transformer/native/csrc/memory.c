/* The model's memory: weights put in order once, and the threads' workspaces. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "model.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define CACHE_LINE ((size_t)64)

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

void nf_release(void *memory) { free(memory); }

/* Hands out pieces of one allocation; with base NULL it only counts. */
typedef struct {
    char *base;
    size_t used;
} arena;

static void *take(arena *a, size_t bytes) {
    void *piece = a->base ? a->base + a->used : NULL;
    a->used += nf_round_up(bytes, CACHE_LINE);
#if defined(__SANITIZE_ADDRESS__)
    /* A gap that nobody may touch, so that leaving a piece is seen as leaving an allocation is. */
    if (a->base) ASAN_POISON_MEMORY_REGION(a->base + a->used, CACHE_LINE);
    a->used += CACHE_LINE;
#endif
    return piece;
}

static void lay_linear(arena *a, const nf_model *m, linear *l, size_t inputs, size_t outputs) {
    l->inputs = inputs;
    l->outputs = outputs;
    l->panels = take(a, inputs * outputs * m->kernel->element);
    l->bias = take(a, outputs * sizeof(float));
}

static void lay_model(arena *a, nf_model *m) {
    const size_t norm = m->hidden * sizeof(float);
    const size_t wide = nf_round_up((size_t)m->shape.intermediate, NF_ALIGN);
    const size_t distances = (size_t)m->shape.heads * (2 * (size_t)m->shape.positions - 1);
    m->token_type = take(a, norm);
    m->norm_weight = take(a, norm);
    m->norm_bias = take(a, norm);
    m->relative_bias = take(a, distances * sizeof(float));
    for (int64_t i = 0; i < m->shape.layers; i++) {
        layer *l = m->layers + i;
        lay_linear(a, m, &l->qkv, m->hidden, 3 * m->head_columns);
        lay_linear(a, m, &l->attended, m->head_columns, m->hidden);
        lay_linear(a, m, &l->widen, m->hidden, wide);
        lay_linear(a, m, &l->narrow, wide, m->hidden);
        l->attended_norm_weight = take(a, norm);
        l->attended_norm_bias = take(a, norm);
        l->norm_weight = take(a, norm);
        l->norm_bias = take(a, norm);
    }
}

/* One linear layer whose inputs and outputs are one group each. */
static void pack_whole(const nf_model *m, linear *to, const float *weight, const float *bias,
                       size_t outputs, size_t inputs) {
    m->kernel->pack(to, 0, weight, outputs, inputs, inputs, to->inputs, 1.0f);
    memcpy(to->bias, bias, outputs * sizeof(float));
}

/* Queries, keys and values of a head side by side: what a head needs lies together. */
static void pack_heads(const nf_model *m, linear *to, size_t part, const float *weight,
                       const float *bias, float factor) {
    const size_t hidden = (size_t)m->shape.hidden, size = hidden / (size_t)m->shape.heads;
    for (size_t head = 0; head < (size_t)m->shape.heads; head++) {
        size_t first = (3 * head + part) * m->head;
        m->kernel->pack(to, first, weight + head * size * hidden, size, hidden, hidden, to->inputs,
                        factor);
        for (size_t i = 0; i < size; i++) to->bias[first + i] = bias[head * size + i] * factor;
    }
}

enum part { QUERY, KEY, VALUE, ATTENDED, WIDEN, NARROW, PARTS };

static void pack_part(const nf_model *m, layer *l, const nf_layer_weights *from, enum part part) {
    const size_t hidden = (size_t)m->shape.hidden, wide = (size_t)m->shape.intermediate;
    const size_t size = hidden / (size_t)m->shape.heads;
    /* Scaling the queries here spares scaling the scores. */
    const float factor = 1.0f / __builtin_sqrtf((float)size);
    switch (part) {
        case QUERY:
            pack_heads(m, &l->qkv, 0, from->query_weight, from->query_bias, factor);
            break;
        case KEY:
            pack_heads(m, &l->qkv, 1, from->key_weight, from->key_bias, 1.0f);
            break;
        case VALUE:
            pack_heads(m, &l->qkv, 2, from->value_weight, from->value_bias, 1.0f);
            break;
        case ATTENDED:
            m->kernel->pack(&l->attended, 0, from->attended_weight, hidden, hidden, size, m->head,
                            1.0f);
            memcpy(l->attended.bias, from->attended_bias, hidden * sizeof(float));
            break;
        case WIDEN:
            pack_whole(m, &l->widen, from->widen_weight, from->widen_bias, wide, hidden);
            break;
        default:
            pack_whole(m, &l->narrow, from->narrow_weight, from->narrow_bias, hidden, wide);
    }
}

struct packing {
    nf_model *model;
    const nf_weights *weights;
    atomic_llong next;
};

static void pack_parts(void *context) {
    struct packing *p = context;
    const long long jobs = p->model->shape.layers * PARTS;
    for (;;) {
        long long job = atomic_fetch_add(&p->next, 1);
        if (job >= jobs) return;
        pack_part(p->model, p->model->layers + job / PARTS, p->weights->layers + job / PARTS,
                  (enum part)(job % PARTS));
    }
}

int nf_build(nf_model *m, const nf_weights *weights, int threads) {
    const size_t hidden = (size_t)m->shape.hidden, bytes = hidden * sizeof(float);
    arena counted = {NULL, 0};
    m->layers = calloc((size_t)m->shape.layers, sizeof *m->layers);
    if (!m->layers) return NF_OUT_OF_MEMORY;
    lay_model(&counted, m);
    m->arena = nf_allocate(counted.used);
    if (!m->arena) return NF_OUT_OF_MEMORY;
    arena real = {m->arena, 0};
    lay_model(&real, m);

    m->words = weights->words;
    m->positions = weights->positions;
    if (weights->token_type) memcpy(m->token_type, weights->token_type, bytes);
    memcpy(m->norm_weight, weights->norm_weight, bytes);
    memcpy(m->norm_bias, weights->norm_bias, bytes);
    if (weights->relative_bias)
        memcpy(m->relative_bias, weights->relative_bias,
               (size_t)m->shape.heads * (2 * (size_t)m->shape.positions - 1) * sizeof(float));
    else
        m->relative_bias = NULL;
    for (int64_t i = 0; i < m->shape.layers; i++) {
        const nf_layer_weights *from = weights->layers + i;
        memcpy(m->layers[i].attended_norm_weight, from->attended_norm_weight, bytes);
        memcpy(m->layers[i].attended_norm_bias, from->attended_norm_bias, bytes);
        memcpy(m->layers[i].norm_weight, from->norm_weight, bytes);
        memcpy(m->layers[i].norm_bias, from->norm_bias, bytes);
    }
    struct packing packing = {m, weights, 0};
    nf_run_on_threads(threads, pack_parts, &packing);
    return NF_OK;
}

static void lay_workspace(arena *a, const nf_model *m, workspace *w) {
    const size_t element = m->kernel->element, rows = w->tokens + m->kernel->rows;
    const size_t keys = nf_round_up(w->tokens, NF_ALIGN);
    w->state = take(a, rows * m->state_stride * element);
    w->residual = take(a, rows * m->hidden * sizeof(float));
    w->qkv = take(a, rows * m->qkv_stride * element);
    w->context = take(a, rows * m->context_stride * element);
    w->wide = take(a, rows * m->wide_stride * element);
    w->scores = take(a, m->kernel->rows * keys * sizeof(float));
    w->shares = take(a, m->kernel->rows * (keys + NF_ALIGN) * element);
    w->keys = take(a, keys * m->head * element);
    w->values = take(a, keys * m->head * element);
    w->tile = take(a, 2 * m->kernel->rows * NF_ALIGN * sizeof(float));
}

static workspace *new_workspace(const nf_model *m, size_t tokens) {
    workspace *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    arena counted = {NULL, 0};
    w->tokens = tokens;
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
    nf_release(w->memory);
    free(w);
}

/* A workspace for at least `tokens` tokens; a spare one that is too small makes room for it. */
workspace *nf_take_workspace(nf_model *m, size_t tokens) {
    pthread_mutex_lock(&m->lock);
    workspace *w = m->spare;
    if (w) m->spare = w->next;
    pthread_mutex_unlock(&m->lock);
    if (w && w->tokens >= tokens) return w;
    if (w) free_workspace(w);
    return new_workspace(m, tokens);
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
