/* Random graphs, mistakes and damage, for AddressSanitizer and UndefinedBehaviorSanitizer:
 * ./fuzz ROUNDS SEED */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

static uint64_t state;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
static int64_t between(int64_t low, int64_t high) { return low + (int64_t)(next() % (uint64_t)(high - low + 1)); }
static float uniform(void) { return (float)((double)(next() >> 11) / 4503599627370496.0 - 1.0); }

static void must(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* Exactly as long as it has to be, so that one byte too far is found. */
static void *exactly(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    must(memory != NULL, "memory");
    return memory;
}

typedef struct {
    nf_graph graph;
    float *vectors, *terms;
    uint8_t *rows, *levels;
    uint32_t *base, *upper_at, *upper;
} fixture;

static int64_t row_bytes(const nf_graph *g) {
    if (g->format == NF_GRAPH_FLOAT32) return g->dimension * 4;
    return (g->dimension + 63) / 64 * 64 + (g->metric == NF_GRAPH_COSINE ? 4 : 8);
}

static void make(fixture *f, int32_t kernel) {
    nf_graph *g = &f->graph;
    memset(f, 0, sizeof *f);
    *g = (nf_graph){.dimension = between(1, 200), .metric = (int32_t)between(0, 2), .format = (int32_t)between(0, 1),
                    .count = between(0, 300), .m = (int32_t)between(1, 20), .top = -1, .kernel = kernel};
    int64_t n = g->count;
    f->vectors = exactly((size_t)(n * g->dimension) * 4);
    for (int64_t i = 0; i < n * g->dimension; i++) f->vectors[i] = uniform() * (next() % 50 ? 1.0f : 1e20f);
    f->levels = exactly((size_t)n);
    f->upper_at = exactly((size_t)n * 4);
    for (int64_t i = 0; i < n; i++) {
        f->levels[i] = (uint8_t)(next() % 8 ? 0 : between(0, 5));
        f->upper_at[i] = (uint32_t)g->upper_count;
        g->upper_count += f->levels[i];
    }
    f->base = exactly((size_t)(n * 2 * g->m) * 4);
    f->upper = exactly((size_t)(g->upper_count * g->m) * 4);
    memset(f->base, 0xFF, (size_t)(n * 2 * g->m) * 4);
    memset(f->upper, 0xFF, (size_t)(g->upper_count * g->m) * 4);
    f->terms = exactly((size_t)n * 4);
    for (int64_t i = 0; i < n; i++) f->terms[i] = fabsf(uniform());
    g->stride = row_bytes(g);
    if (g->format == NF_GRAPH_INT8) {
        f->rows = exactly((size_t)(n * g->stride));
        must(nf_graph_encode(f->vectors, g->dimension * 4, n, g->dimension, g->metric, NULL, 3.0f, f->rows,
                             g->stride) == NF_GRAPH_OK, "encode");
    }
    g->rows = f->rows ? f->rows : (const uint8_t *)f->vectors;
    g->terms = f->terms;
    g->levels = f->levels;
    g->base = f->base;
    g->upper_at = f->upper_at;
    g->upper = f->upper;
}

static void drop(fixture *f) {
    free(f->vectors); free(f->terms); free(f->rows); free(f->levels);
    free(f->base); free(f->upper_at); free(f->upper);
}

static void search(const nf_graph *g) {
    int64_t queries = between(0, 3), stride = row_bytes(g), mask_bytes = (g->count + 63) / 64 * 8;
    int32_t k = (int32_t)between(1, 20), ef = k + (int32_t)between(0, 60);
    float *vectors = exactly((size_t)(queries * g->dimension) * 4);
    for (int64_t i = 0; i < queries * g->dimension; i++) vectors[i] = uniform();
    uint8_t *encoded = exactly((size_t)(queries * stride)), *allowed = exactly((size_t)mask_bytes);
    if (g->format == NF_GRAPH_INT8)
        must(nf_graph_encode(vectors, g->dimension * 4, queries, g->dimension, g->metric, NULL, 0.0f, encoded,
                             stride) == NF_GRAPH_OK, "encode queries");
    for (int64_t i = 0; i < mask_bytes; i++) allowed[i] = (uint8_t)(next() & next());
    int64_t *slots = exactly((size_t)(queries * k) * 8), *computed = exactly((size_t)queries * 8);
    float *distances = exactly((size_t)(queries * k) * 4);
    uint8_t *exhausted = exactly((size_t)queries);
    int32_t status = nf_graph_search(g, g->format == NF_GRAPH_INT8 ? encoded : (const uint8_t *)vectors, stride,
                                     queries, k, ef, next() % 2 ? allowed : NULL, between(0, 2) * 100, slots,
                                     distances, computed, exhausted);
    must(status == NF_GRAPH_OK || status == NF_GRAPH_DAMAGED, "search");
    for (int64_t i = 0; status == NF_GRAPH_OK && i < queries * k; i++)
        must(slots[i] >= -1 && slots[i] < g->count, "slot");
    must(nf_graph_search(g, (const uint8_t *)vectors, stride, 1, 0, ef, NULL, 0, slots, distances, computed,
                         exhausted) == NF_GRAPH_INVALID, "k of 0 is refused");
    free(vectors); free(encoded); free(allowed); free(slots); free(computed); free(distances); free(exhausted);
}

static void *search_often(void *graph) {
    for (int i = 0; i < 5; i++) {
        float query[200] = {0.5f};
        uint8_t row[264];
        const nf_graph *g = graph;
        int64_t slots[4], computed;
        float distances[4];
        uint8_t exhausted;
        if (g->format == NF_GRAPH_INT8)
            (void)nf_graph_encode(query, 0, 1, g->dimension, g->metric, NULL, 0.0f, row, row_bytes(g));
        must(nf_graph_search(g, g->format == NF_GRAPH_INT8 ? row : (uint8_t *)query, row_bytes(g), 1, 4, 20, NULL, 0,
                             slots, distances, &computed, &exhausted) == NF_GRAPH_OK, "search beside others");
    }
    return NULL;
}

static void damage(fixture *f) {
    nf_graph *g = &f->graph;
    for (int i = 0; i < 30 && g->count; i++) {
        f->base[between(0, g->count * 2 * g->m - 1)] = (uint32_t)next();
        f->levels[between(0, g->count - 1)] = (uint8_t)next();
        f->upper_at[between(0, g->count - 1)] = (uint32_t)next();
        if (g->upper_count) f->upper[between(0, g->upper_count * g->m - 1)] = (uint32_t)next();
    }
}

static void mistakes(const nf_graph *good) {
    nf_graph bad[8];
    for (int i = 0; i < 8; i++) bad[i] = *good;
    bad[0].m = 129, bad[1].m = 0, bad[2].dimension = 0, bad[3].metric = 3, bad[4].format = 2;
    bad[5].kernel = 99, bad[6].count = -1, bad[7].stride = 3;
    for (int i = 0; i < 8; i++) must(nf_graph_insert(bad + i, 0, 10, 0, 1) == NF_GRAPH_INVALID, "a mistake");
    must(nf_graph_insert(bad, 0, 0, 0, 1) == NF_GRAPH_INVALID, "ef of 0");
    must(nf_graph_insert(NULL, 0, 1, 0, 1) == NF_GRAPH_INVALID, "no graph");
    float nan[1] = {NAN};
    uint8_t row[68];
    must(nf_graph_encode(nan, 4, 1, 1, 0, NULL, 0.0f, row, 68) == NF_GRAPH_NOT_FINITE, "NaN");
    must(nf_graph_encode(nan, 4, 1, 1, 0, NULL, 0.0f, row, 67) == NF_GRAPH_INVALID, "a short row");
}

int main(int count, char **words) {
    int rounds = count > 1 ? atoi(words[1]) : 10;
    state = 0x9E3779B97F4A7C15u + (count > 2 ? (uint64_t)atoi(words[2]) : 0);
    for (int round = 0; round < rounds; round++)
        for (int32_t kernel = 0; kernel < nf_graph_kernels(); kernel++) {
            if (!nf_graph_kernel_usable(kernel)) continue;
            fixture f;
            make(&f, kernel);
            int64_t all = f.graph.count;
            f.graph.count = between(0, all);
            int32_t ef = (int32_t)between(1, 40), keep = (int32_t)between(0, 1), threads = (int32_t)between(1, 3);
            must(nf_graph_insert(&f.graph, 0, ef, keep, 1) == NF_GRAPH_OK, "insert");
            int64_t first = f.graph.count;
            f.graph.count = all;
            must(nf_graph_insert(&f.graph, first, ef, keep, threads) == NF_GRAPH_OK, "insert more");
            pthread_t others[2];
            for (int i = 0; i < 2; i++) must(!pthread_create(others + i, NULL, search_often, &f.graph), "thread");
            search(&f.graph);
            for (int i = 0; i < 2; i++) pthread_join(others[i], NULL);
            mistakes(&f.graph);
            damage(&f);
            if (f.graph.top < 1 || f.levels[f.graph.entry] >= f.graph.top)
                for (int i = 0; i < 3; i++) search(&f.graph);
            drop(&f);
        }
    return 0;
}
