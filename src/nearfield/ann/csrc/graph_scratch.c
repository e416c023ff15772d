/* Working memory, kept between calls: each search and each inserting thread takes one. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

#define KEPT 64 /* at most so many lie in wait */

static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static nf_scratch *shelf;
static int shelf_count;

static int grow(void **memory, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return 1;
    size_t larger = *capacity * 2 > needed ? *capacity * 2 : needed;
    void *moved = realloc(*memory, larger * size);
    if (!moved) return 0;
    *memory = moved;
    *capacity = larger;
    return 1;
}

static void release(nf_scratch *scratch) {
    free(scratch->visited);
    free(scratch->touched);
    free(scratch->pool);
    free(scratch->frontier);
    free(scratch->found);
    free(scratch->distances);
    free(scratch->alive);
    free(scratch->kept);
    free(scratch->probe);
    free(scratch->second);
    free(scratch);
}

#define FIT(scratch, field, capacity, needed) \
    grow((void **)(void *)&(scratch)->field, &(scratch)->capacity, needed, sizeof *(scratch)->field)

static int fit(nf_scratch *scratch, const nf_graph *graph, size_t ef) {
    size_t words = ((size_t)graph->count + 63) / 64, had = scratch->visited_words;
    size_t places = nf_list_places(graph, 0), most = places > ef ? places + 1 : ef + 1;
    if (!FIT(scratch, visited, visited_words, words)) return 0;
    if (scratch->visited_words > had)
        memset(scratch->visited + had, 0, (scratch->visited_words - had) * sizeof(uint64_t));
    return FIT(scratch, pool, pool_capacity, ef + 1) && FIT(scratch, found, found_capacity, most) &&
           FIT(scratch, distances, distances_capacity, most) && FIT(scratch, alive, alive_capacity, most) &&
           FIT(scratch, kept, kept_capacity, most) &&
           FIT(scratch, probe, probe_bytes, nf_probe_bytes(graph)) &&
           FIT(scratch, second, second_bytes, nf_probe_bytes(graph));
}

nf_scratch *nf_scratch_take(const nf_graph *graph, size_t ef) {
    pthread_mutex_lock(&shelf_lock);
    nf_scratch *scratch = shelf;
    if (scratch) {
        shelf = scratch->next;
        shelf_count--;
    }
    pthread_mutex_unlock(&shelf_lock);
    if (!scratch) scratch = calloc(1, sizeof *scratch);
    if (!scratch) return NULL;
    scratch->frontier_count = 0;
    scratch->computed = 0;
    if (fit(scratch, graph, ef)) return scratch;
    release(scratch);
    return NULL;
}

void nf_scratch_give(nf_scratch *scratch) {
    nf_scratch_forget(scratch);
    pthread_mutex_lock(&shelf_lock);
    int kept = shelf_count < KEPT;
    if (kept) {
        scratch->next = shelf;
        shelf = scratch;
        shelf_count++;
    }
    pthread_mutex_unlock(&shelf_lock);
    if (!kept) release(scratch);
}

void nf_scratch_forget(nf_scratch *scratch) {
    for (size_t i = 0; i < scratch->touched_count; i++) scratch->visited[scratch->touched[i] >> 6] = 0;
    scratch->touched_count = 0;
}

int nf_scratch_grow_touched(nf_scratch *scratch, size_t more) {
    return FIT(scratch, touched, touched_capacity, scratch->touched_count + more);
}

int nf_scratch_grow_frontier(nf_scratch *scratch) {
    return FIT(scratch, frontier, frontier_capacity, scratch->frontier_count + 1);
}
