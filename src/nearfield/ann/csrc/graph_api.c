/* What Python calls: kernels and searching; what comes from outside is checked here. */
#include <math.h>
#include <string.h>

#include "graph.h"

/* Under a mask a search may always compute so many distances for each of ef. */
#define LEAST_EFFORT 8

static const nf_graph_kernel *const kernels[] = {
#if defined(NF_WITH_AVX512)
    &nf_graph_kernel_avx512,
#endif
#if defined(NF_WITH_AVX2)
    &nf_graph_kernel_avx2,
#endif
    &nf_graph_kernel_plain,
};

#define KERNELS ((int32_t)(sizeof kernels / sizeof *kernels))

int32_t nf_graph_version(void) { return NF_GRAPH_VERSION; }
int32_t nf_graph_kernels(void) { return KERNELS; }
const nf_graph_kernel *nf_graph_kernel_at(int32_t i) { return i >= 0 && i < KERNELS ? kernels[i] : NULL; }
const char *nf_graph_kernel_name(int32_t i) { return nf_graph_kernel_at(i) ? kernels[i]->name : ""; }
int32_t nf_graph_kernel_usable(int32_t i) { return nf_graph_kernel_at(i) ? kernels[i]->usable() : 0; }

const char *nf_graph_fault(const nf_graph *g) {
    if (!g) return "no graph";
    if (!nf_graph_kernel_usable(g->kernel)) return "kernel";
    if (g->metric < NF_GRAPH_COSINE || g->metric > NF_GRAPH_EUCLIDEAN) return "metric";
    if (g->format != NF_GRAPH_FLOAT32 && g->format != NF_GRAPH_INT8) return "format";
    if (g->dimension < 1 || g->dimension > NF_GRAPH_MAX_DIMENSION) return "dimension";
    if (g->m < 1 || g->m > NF_GRAPH_MAX_M) return "m";
    if (g->count < 0 || g->count > NF_GRAPH_MAX_SLOTS || g->upper_count < 0) return "count";
    if (g->count && (!g->rows || !g->levels || !g->base || !g->upper_at)) return "arrays";
    if (g->upper_count && !g->upper) return "upper";
    if (g->format == NF_GRAPH_FLOAT32 && g->metric != NF_GRAPH_EUCLIDEAN && g->count && !g->terms)
        return "terms";
    int64_t floats = g->metric == NF_GRAPH_COSINE ? 1 : 2;
    int64_t row = g->format == NF_GRAPH_FLOAT32 ? g->dimension * 4
                                                : (int64_t)nf_int8_width((size_t)g->dimension) + 4 * floats;
    if (g->stride < row || (g->format == NF_GRAPH_FLOAT32 && g->stride % 4)) return "stride";
    if (g->top < -1 || (g->top >= 0 && g->entry >= (uint64_t)g->count)) return "entry";
    if (g->top > 0 && g->levels[g->entry] < g->top) return "top";
    return NULL;
}

static int64_t count_allowed(const uint8_t *allowed, int64_t slots) {
    int64_t count = 0, at = 0;
    for (; at + 64 <= slots; at += 64) {
        uint64_t word;
        memcpy(&word, allowed + at / 8, sizeof word);
        count += __builtin_popcountll(word);
    }
    for (; at < slots; at++) count += allowed[at >> 3] >> (at & 7) & 1;
    return count;
}

static nf_filter filter_of(const nf_graph *graph, const uint8_t *allowed, int64_t effort, int32_t ef) {
    nf_filter filter = {.allowed = allowed, .count = graph->count, .effort = effort};
    if (allowed) filter.count = count_allowed(allowed, graph->count);
    int64_t least = (int64_t)LEAST_EFFORT * ef;
    if (!effort) filter.effort = filter.count > least ? filter.count : least;
    return filter;
}

static int32_t search_one(const nf_graph *graph, const uint8_t *query, size_t ef,
                          const nf_filter *filter, nf_scratch *scratch, int64_t *size,
                          uint8_t *exhausted) {
    nf_probe probe;
    nf_candidate nearest;
    if (graph->top < 0) return NF_GRAPH_OK;
    nf_probe_of_query(graph, query, scratch->probe, &probe);
    int32_t status = nf_descend(graph, &probe, graph->entry, graph->top, 0, scratch, &nearest);
    if (status) return status;
    int64_t found = filter->allowed
                        ? nf_search_filtered(graph, &probe, nearest, ef, filter, scratch, exhausted)
                        : nf_search_layer(graph, &probe, nearest, 0, ef, scratch);
    if (found < 0) return (int32_t)-found;
    *size = found;
    return NF_GRAPH_OK;
}

int32_t nf_graph_search(const nf_graph *graph, const uint8_t *queries, int64_t query_stride,
                        int64_t count, int32_t k, int32_t ef, const uint8_t *allowed, int64_t effort,
                        int64_t *slots, float *distances, int64_t *computed, uint8_t *exhausted) {
    if (nf_graph_fault(graph) || count < 0 || k < 1 || ef < k || ef > NF_GRAPH_MAX_EF || effort < 0)
        return NF_GRAPH_INVALID;
    if (count && (!queries || !slots || !distances || !computed || !exhausted)) return NF_GRAPH_INVALID;
    nf_filter filter = filter_of(graph, allowed, effort, ef);
    nf_scratch *scratch = nf_scratch_take(graph, (size_t)ef);
    if (!scratch) return NF_GRAPH_MEMORY;
    int32_t status = NF_GRAPH_OK;
    for (int64_t q = 0; q < count && !status; q++) {
        int64_t size = 0;
        scratch->computed = 0;
        scratch->frontier_count = 0;
        exhausted[q] = 0;
        status = search_one(graph, queries + q * query_stride, (size_t)ef, &filter, scratch, &size,
                            exhausted + q);
        nf_scratch_forget(scratch);
        computed[q] = scratch->computed;
        if (size < (filter.count < k ? filter.count : k)) exhausted[q] = 1;
        for (int64_t i = 0; i < k; i++) {
            int found = i < size;
            slots[q * k + i] = found ? (int64_t)nf_candidate_slot(scratch->pool[i]) : -1;
            distances[q * k + i] = found ? nf_candidate_distance(scratch->pool[i]) : INFINITY;
        }
    }
    nf_scratch_give(scratch);
    return status;
}
