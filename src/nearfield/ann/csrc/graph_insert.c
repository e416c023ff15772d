/* Building (Malkov and Yashunin 2018, algorithms 1 and 4).
 *
 * A vector's own lists are written on all its layers before any other vector links to it, so a
 * thread that meets it finds its lists complete, and nobody has to wait. Only writers of the same
 * list exclude each other.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

#define LOCKS 4096 /* a power of two; slots share them */
#define MOST_THREADS 256
#define MOST_LAYERS 32
#define WIDEST (2 * NF_GRAPH_MAX_M + 1)

typedef struct {
    nf_graph *graph;
    size_t ef;
    int keep_pruned;
    int64_t following;     /* the slot to insert next, shared */
    int32_t status;        /* shared */
    pthread_mutex_t top;   /* held by whoever may raise the top */
    uint8_t locks[LOCKS];
} insertion;

static void lock_list(insertion *work, uint32_t slot) {
    uint8_t *lock = work->locks + (slot & (LOCKS - 1));
    while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(lock, __ATOMIC_RELAXED)) continue;
}
static void unlock_list(insertion *work, uint32_t slot) {
    __atomic_store_n(work->locks + (slot & (LOCKS - 1)), 0, __ATOMIC_RELEASE);
}

/* Of candidates in ascending order of distance from a centre, keep those that are nearer to it than
 * to any one kept before: links in different directions. With `keep_pruned` the nearest of the others
 * fill up. The kept ones are moved to the front, still ascending; returns how many there are. */
static size_t select_diverse(const nf_graph *graph, nf_candidate *candidates, size_t count, size_t most,
                             int keep_pruned, nf_scratch *scratch) {
    uint32_t *slots = scratch->found, *alive = scratch->alive;
    uint8_t *kept = scratch->kept;
    size_t kept_count = 0, alive_count = count;
    for (size_t i = 0; i < count; i++) {
        alive[i] = (uint32_t)i;
        kept[i] = 0;
    }
    while (alive_count && kept_count < most) {
        kept[alive[0]] = 1;
        if (++kept_count == most) break;
        nf_probe probe;
        nf_probe_of_slot(graph, nf_candidate_slot(candidates[alive[0]]), scratch->second, &probe);
        for (size_t i = 1; i < alive_count; i++) slots[i] = nf_candidate_slot(candidates[alive[i]]);
        nf_distances(graph, &probe, slots + 1, alive_count - 1, scratch->distances + 1);
        size_t left = 0;
        for (size_t i = 1; i < alive_count; i++)
            if (scratch->distances[i] >= nf_candidate_distance(candidates[alive[i]]))
                alive[left++] = alive[i];
        alive_count = left;
    }
    for (size_t i = 0; keep_pruned && i < count && kept_count < most; i++) {
        kept_count += !kept[i];
        kept[i] = 1;
    }
    for (size_t i = 0, to = 0; to < kept_count; i++)
        if (kept[i]) candidates[to++] = candidates[i];
    return kept_count;
}

static void write_list(uint32_t *list, size_t places, const nf_candidate *kept, size_t count) {
    for (size_t i = 0; i < places; i++)
        nf_store_link(list + i, i < count ? nf_candidate_slot(kept[i]) : NF_GRAPH_NONE);
}

static int by_candidate(const void *a, const void *b) {
    nf_candidate left = *(const nf_candidate *)a, right = *(const nf_candidate *)b;
    return (left > right) - (left < right);
}

/* Link `from` to `to`. A full list is chosen again among its members and the one to come. */
static int32_t add_link(insertion *work, uint32_t from, nf_candidate to, int layer, nf_scratch *scratch) {
    const nf_graph *graph = work->graph;
    size_t places = nf_list_places(graph, layer), count = 0;
    uint32_t slots[WIDEST], *list = nf_list(graph, from, layer);
    float distances[WIDEST];
    nf_candidate candidates[WIDEST];
    if (!list) return NF_GRAPH_DAMAGED;
    lock_list(work, from);
    for (; count < places; count++) {
        slots[count] = nf_load_link(list + count);
        if (slots[count] == NF_GRAPH_NONE) break;
        if (slots[count] >= (uint64_t)graph->count) {
            unlock_list(work, from);
            return NF_GRAPH_DAMAGED;
        }
    }
    if (count < places) {
        nf_store_link(list + count, nf_candidate_slot(to));
        unlock_list(work, from);
        return NF_GRAPH_OK;
    }
    nf_probe probe;
    nf_probe_of_slot(graph, from, scratch->second, &probe);
    nf_distances(graph, &probe, slots, count, distances);
    for (size_t i = 0; i < count; i++) candidates[i] = nf_candidate_of(distances[i], slots[i]);
    candidates[count++] = nf_candidate_of(nf_candidate_distance(to), nf_candidate_slot(to));
    qsort(candidates, count, sizeof *candidates, by_candidate);
    count = select_diverse(graph, candidates, count, places, work->keep_pruned, scratch);
    write_list(list, places, candidates, count);
    unlock_list(work, from);
    return NF_GRAPH_OK;
}

/* Link a vector on the layers from `top` down to 0: its own lists first, then the ways back to it. */
static int32_t link_slot(insertion *work, uint32_t slot, const nf_probe *probe, int top,
                         nf_candidate nearest, nf_scratch *scratch) {
    nf_graph *graph = work->graph;
    size_t m = (size_t)graph->m;
    nf_candidate chosen[MOST_LAYERS][NF_GRAPH_MAX_M];
    size_t chosen_count[MOST_LAYERS];
    for (int layer = top; layer >= 0; layer--) {
        int64_t size = nf_search_layer(graph, probe, nearest, layer, work->ef, scratch);
        nf_scratch_forget(scratch);
        if (size < 0) return (int32_t)-size;
        for (int64_t i = 0; i < size; i++) scratch->pool[i] &= ~(nf_candidate)1;
        nearest = scratch->pool[0];
        chosen_count[layer] = select_diverse(graph, scratch->pool, (size_t)size, m,
                                             work->keep_pruned, scratch);
        memcpy(chosen[layer], scratch->pool, chosen_count[layer] * sizeof(nf_candidate));
        uint32_t *list = nf_list(graph, slot, layer);
        if (!list) return NF_GRAPH_DAMAGED;
        write_list(list, nf_list_places(graph, layer), chosen[layer], chosen_count[layer]);
    }
    for (int layer = 0; layer <= top; layer++)
        for (size_t i = 0; i < chosen_count[layer]; i++) {
            uint32_t neighbour = nf_candidate_slot(chosen[layer][i]);
            nf_candidate back = nf_candidate_of(nf_candidate_distance(chosen[layer][i]), slot);
            int32_t status = add_link(work, neighbour, back, layer, scratch);
            if (status) return status;
        }
    return NF_GRAPH_OK;
}

static int32_t insert(insertion *work, uint32_t slot, nf_scratch *scratch) {
    nf_graph *graph = work->graph;
    int level = graph->levels[slot];
    pthread_mutex_lock(&work->top);
    int top = graph->top, raises = level > top;
    uint32_t entry = graph->entry;
    if (!raises) pthread_mutex_unlock(&work->top);
    int32_t status = NF_GRAPH_OK;
    if (top >= 0) {
        nf_probe probe;
        nf_candidate nearest;
        nf_probe_of_slot(graph, slot, scratch->probe, &probe);
        status = nf_descend(graph, &probe, entry, top, level, scratch, &nearest);
        if (!status) status = link_slot(work, slot, &probe, raises ? top : level, nearest, scratch);
    }
    if (!raises) return status;
    if (!status) {
        graph->top = level;
        graph->entry = slot;
    }
    pthread_mutex_unlock(&work->top);
    return status;
}

static void *run(void *argument) {
    insertion *work = argument;
    nf_scratch *scratch = nf_scratch_take(work->graph, work->ef);
    int32_t status = scratch ? NF_GRAPH_OK : NF_GRAPH_MEMORY;
    while (!status && !__atomic_load_n(&work->status, __ATOMIC_RELAXED)) {
        int64_t slot = __atomic_fetch_add(&work->following, 1, __ATOMIC_RELAXED);
        if (slot >= work->graph->count) break;
        status = insert(work, (uint32_t)slot, scratch);
    }
    if (status) __atomic_store_n(&work->status, status, __ATOMIC_RELAXED);
    if (scratch) nf_scratch_give(scratch);
    return NULL;
}

int32_t nf_graph_insert(nf_graph *graph, int64_t first, int32_t ef, int32_t keep_pruned,
                        int32_t threads) {
    if (nf_graph_fault(graph) || first < 0 || first > graph->count) return NF_GRAPH_INVALID;
    if (ef < 1 || ef > NF_GRAPH_MAX_EF || threads < 1) return NF_GRAPH_INVALID;
    for (int64_t slot = first; slot < graph->count; slot++)
        if (graph->levels[slot] >= MOST_LAYERS) return NF_GRAPH_INVALID;
    insertion *work = calloc(1, sizeof *work);
    if (!work) return NF_GRAPH_MEMORY;
    work->graph = graph;
    work->ef = (size_t)ef;
    work->keep_pruned = keep_pruned;
    work->following = first;
    pthread_mutex_init(&work->top, NULL);
    pthread_t others[MOST_THREADS];
    int started = 0;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    while (started < threads - 1 && !pthread_create(others + started, NULL, run, work)) started++;
    run(work);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    pthread_mutex_destroy(&work->top);
    int32_t status = work->status;
    free(work);
    return status;
}
