/* Searching the layers (Malkov and Yashunin 2018, algorithms 2 and 5).
 *
 * A link beyond `count` leads to a slot that was inserted since the caller took its view of the graph
 * (or the file is damaged); it is passed over. */
#include <string.h>

#include "graph.h"

#define WIDEST (2 * NF_GRAPH_MAX_M)

uint32_t *nf_list(const nf_graph *graph, uint32_t slot, int layer) {
    if (layer == 0) return graph->base + (size_t)slot * 2 * (size_t)graph->m;
    if (layer > graph->levels[slot]) return NULL;
    size_t at = (size_t)graph->upper_at[slot] + (size_t)layer - 1;
    return at < (size_t)graph->upper_count ? graph->upper + at * (size_t)graph->m : NULL;
}

/* Steps to the nearest neighbour until none is nearer, on each of the layers from … to + 1. */
int nf_descend(const nf_graph *graph, const nf_probe *probe, uint32_t entry, int from, int to,
               nf_scratch *scratch, nf_candidate *nearest) {
    float distances[WIDEST];
    uint32_t slots[WIDEST];
    nf_distances(graph, probe, &entry, 1, distances);
    scratch->computed++;
    nf_candidate best = nf_candidate_of(distances[0], entry);
    for (int layer = from; layer > to; layer--) {
        for (int moved = 1; moved;) {
            moved = 0;
            uint32_t *list = nf_list(graph, nf_candidate_slot(best), layer);
            if (!list) return NF_GRAPH_DAMAGED;
            size_t count = 0, places = nf_list_places(graph, layer);
            for (size_t i = 0; i < places; i++) {
                uint32_t slot = nf_load_link(list + i);
                if (slot == NF_GRAPH_NONE) break;
                if (slot < (uint64_t)graph->count) slots[count++] = slot;
            }
            nf_distances(graph, probe, slots, count, distances);
            scratch->computed += (int64_t)count;
            for (size_t i = 0; i < count; i++) {
                nf_candidate found = nf_candidate_of(distances[i], slots[i]);
                if (found < best) {
                    best = found;
                    moved = 1;
                }
            }
        }
    }
    *nearest = best;
    return NF_GRAPH_OK;
}

/* The first place in the sorted pool whose candidate is larger. The flag cannot mislead: a slot
 * enters the pool once. */
static size_t place_of(const nf_candidate *pool, size_t size, nf_candidate candidate) {
    size_t low = 0;
    while (size) {
        size_t half = size / 2;
        if (pool[low + half] < candidate) {
            low += half + 1;
            size -= half + 1;
        } else {
            size = half;
        }
    }
    return low;
}

/* Put a candidate into the sorted pool of at most `limit`; returns its place, or `limit`. */
size_t nf_keep_sorted(nf_candidate *pool, size_t *size, size_t limit, nf_candidate candidate) {
    if (*size == limit && candidate > pool[limit - 1]) return limit;
    size_t place = place_of(pool, *size, candidate);
    size_t moving = (*size < limit ? *size : limit - 1) - place;
    memmove(pool + place + 1, pool + place, moving * sizeof *pool);
    pool[place] = candidate;
    if (*size < limit) ++*size;
    return place;
}

/* Best first with the ef nearest so far in one sorted pool; the flag marks whose neighbours were
 * looked at. A candidate that drops out of the pool is farther than ef others, so it would end the
 * paper's loop. */
int64_t nf_search_layer(const nf_graph *graph, const nf_probe *probe, nf_candidate start, int layer,
                        size_t ef, nf_scratch *scratch) {
    nf_candidate *pool = scratch->pool;
    uint32_t slots[WIDEST];
    float distances[WIDEST];
    size_t size = 1, next = 0, places = nf_list_places(graph, layer);
    pool[0] = start;
    if (!nf_scratch_grow_touched(scratch, 1)) return -NF_GRAPH_MEMORY;
    nf_visit(scratch, nf_candidate_slot(start));
    while (next < size) {
        if (pool[next] & 1) {
            next++;
            continue;
        }
        pool[next] |= 1;
        const uint32_t *list = nf_list(graph, nf_candidate_slot(pool[next]), layer);
        if (!list) return -NF_GRAPH_DAMAGED;
        if (!nf_scratch_grow_touched(scratch, places)) return -NF_GRAPH_MEMORY;
        size_t count = 0;
        for (size_t i = 0; i < places; i++) {
            uint32_t slot = nf_load_link(list + i);
            if (slot == NF_GRAPH_NONE) break;
            if (slot < (uint64_t)graph->count && nf_visit(scratch, slot)) slots[count++] = slot;
        }
        nf_distances(graph, probe, slots, count, distances);
        scratch->computed += (int64_t)count;
        for (size_t i = 0; i < count; i++) {
            size_t place = nf_keep_sorted(pool, &size, ef, nf_candidate_of(distances[i], slots[i]));
            if (place < next) next = place;
        }
        if (next < size && layer == 0) /* most often the one whose neighbours come next */
            __builtin_prefetch(nf_list(graph, nf_candidate_slot(pool[next]), 0), 0, 3);
    }
    return (int64_t)size;
}
