/* The weights, put into the order in which a kernel reads them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

static void lay_linear(arena *a, const nf_model *m, linear *l, size_t inputs, size_t outputs) {
    l->inputs = inputs;
    l->outputs = outputs;
    l->panels = take(a, inputs * outputs * m->kernel->element);
    l->bias = take(a, outputs * sizeof(float));
}

static size_t distances(const nf_shape *s) {
    return s->relative ? (size_t)s->heads * (2 * (size_t)s->positions - 1) : 0;
}

static void lay_model(arena *a, nf_model *m) {
    const size_t norm = m->hidden * sizeof(float);
    const size_t wide = nf_round_up((size_t)m->shape.intermediate, NF_ALIGN);
    m->token_type = take(a, norm);
    m->norm_weight = take(a, norm);
    m->norm_bias = take(a, norm);
    m->relative_bias = take(a, distances(&m->shape) * sizeof(float));
    if (!m->shape.relative) m->relative_bias = NULL;
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

int nf_lay_panels(nf_model *m, void *panels) {
    arena a = {panels, 0};
    if (!m->layers) m->layers = calloc((size_t)m->shape.layers, sizeof *m->layers);
    if (!m->layers) return NF_OUT_OF_MEMORY;
    lay_model(&a, m);
    m->panels = panels;
    m->panels_bytes = a.used;
    return NF_OK;
}

void nf_fill_panels(nf_model *m, const nf_weights *weights, int threads) {
    const size_t bytes = (size_t)m->shape.hidden * sizeof(float);
    if (weights->token_type) memcpy(m->token_type, weights->token_type, bytes);
    memcpy(m->norm_weight, weights->norm_weight, bytes);
    memcpy(m->norm_bias, weights->norm_bias, bytes);
    if (m->relative_bias)
        memcpy(m->relative_bias, weights->relative_bias, distances(&m->shape) * sizeof(float));
    for (int64_t i = 0; i < m->shape.layers; i++) {
        const nf_layer_weights *from = weights->layers + i;
        memcpy(m->layers[i].attended_norm_weight, from->attended_norm_weight, bytes);
        memcpy(m->layers[i].attended_norm_bias, from->attended_norm_bias, bytes);
        memcpy(m->layers[i].norm_weight, from->norm_weight, bytes);
        memcpy(m->layers[i].norm_bias, from->norm_bias, bytes);
    }
    struct packing packing = {m, weights, 0};
    nf_run_on_threads(threads, pack_parts, &packing);
}

typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

/* Four sums, each the polynomial Σ wᵢ Pⁿ⁻ⁱ of every fourth word modulo 2⁶⁴. P is odd, so a
 * changed word always changes its sum; four, because one would wait for each product. */
#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize("address"))) /* the gaps are read as well */
#endif
uint64_t nf_checksum(const void *data, int64_t bytes) {
    const uint64_t factor = 0x9e3779b97f4a7c15u; /* 2⁶⁴ / golden ratio, whose bits look random */
    const any_word *words = data;
    const size_t size = data && bytes > 0 ? (size_t)bytes : 0;
    uint64_t sums[4] = {1, 2, 3, 4}, sum = size;
    for (size_t left = size / 32; left > 0; left--, words += 4)
        for (int i = 0; i < 4; i++) sums[i] = sums[i] * factor + words[i];
    const unsigned char *rest = (const unsigned char *)words;
    for (size_t i = 0; i < size % 32; i++) sum = sum * factor + rest[i];
    for (int i = 0; i < 4; i++) sum = sum * factor + sums[i];
    return sum;
}
