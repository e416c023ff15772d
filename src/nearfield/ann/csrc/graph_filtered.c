/* Searching the lowest layer when only some slots may be returned. */
#include "graph.h"

static int allows(const nf_filter *filter, uint32_t slot) {
    return filter->allowed[slot >> 3] >> (slot & 7) & 1;
}

/* The frontier is a heap, the nearest first. */
static int push(nf_scratch *scratch, nf_candidate candidate) {
    if (!nf_scratch_grow_frontier(scratch)) return 0;
    nf_candidate *heap = scratch->frontier;
    size_t at = scratch->frontier_count++;
    for (; at && heap[(at - 1) / 2] > candidate; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = candidate;
    return 1;
}

static nf_candidate pop(nf_scratch *scratch) {
    nf_candidate *heap = scratch->frontier, first = heap[0], last = heap[--scratch->frontier_count];
    size_t count = scratch->frontier_count, at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

/* Unvisited neighbours, written to `found`. */
static size_t gather(const nf_graph *graph, uint32_t from, nf_scratch *scratch) {
    size_t places = nf_list_places(graph, 0), count = 0;
    const uint32_t *list = nf_list(graph, from, 0);
    for (size_t i = 0; i < places; i++) {
        uint32_t slot = nf_load_link(list + i);
        if (slot == NF_GRAPH_NONE) break;
        if (slot < (uint64_t)graph->count && nf_visit(scratch, slot)) scratch->found[count++] = slot;
    }
    return count;
}

/* Like nf_search_layer, but the pool takes allowed slots only, while the frontier also leads across
 * the others. Looking only at neighbours of neighbours that are allowed (ACORN-1, Patel et al. 2024)
 * was slower at equal recall above 10% of slots allowed, and below it lost allowed regions far from
 * the question without a sign. */
int64_t nf_search_filtered(const nf_graph *graph, const nf_probe *probe, nf_candidate start, size_t ef,
                           const nf_filter *filter, nf_scratch *scratch, uint8_t *exhausted) {
    size_t size = 0;
    if (!nf_scratch_grow_touched(scratch, 1) || !push(scratch, start)) return -NF_GRAPH_MEMORY;
    nf_visit(scratch, nf_candidate_slot(start));
    if (allows(filter, nf_candidate_slot(start))) nf_keep_sorted(scratch->pool, &size, ef, start);
    while (scratch->frontier_count) {
        nf_candidate nearest = pop(scratch);
        if (size == ef && nearest > scratch->pool[ef - 1]) break;
        if (scratch->computed >= filter->effort) {
            *exhausted = 1;
            break;
        }
        if (!nf_scratch_grow_touched(scratch, nf_list_places(graph, 0))) return -NF_GRAPH_MEMORY;
        size_t count = gather(graph, nf_candidate_slot(nearest), scratch);
        nf_distances(graph, probe, scratch->found, count, scratch->distances);
        scratch->computed += (int64_t)count;
        for (size_t i = 0; i < count; i++) {
            nf_candidate candidate = nf_candidate_of(scratch->distances[i], scratch->found[i]);
            if (size == ef && candidate > scratch->pool[ef - 1]) continue;
            if (!push(scratch, candidate)) return -NF_GRAPH_MEMORY;
            if (allows(filter, scratch->found[i])) nf_keep_sorted(scratch->pool, &size, ef, candidate);
        }
    }
    return (int64_t)size;
}
