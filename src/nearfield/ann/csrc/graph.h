/* The HNSW graph (Malkov and Yashunin 2018): what its files share.
 *
 * The caller owns every array of `nf_graph`; the functions only read and write them. A slot is the
 * number of a vector. Distances are lower for nearer vectors; equal ones are ordered by slot, so that
 * the same vectors, inserted in the same order by one thread, always give the same graph.
 */
#ifndef NEARFIELD_GRAPH_H
#define NEARFIELD_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define NF_API __declspec(dllexport)
#else
#define NF_API __attribute__((visibility("default")))
#endif

/* Raised together with VERSION in graph_library.py. */
#define NF_GRAPH_VERSION 1

enum nf_graph_status {
    NF_GRAPH_OK = 0,
    NF_GRAPH_INVALID = 1,
    NF_GRAPH_MEMORY = 2,
    NF_GRAPH_DAMAGED = 3,   /* links lead nowhere */
    NF_GRAPH_NOT_FINITE = 4 /* a vector holds NaN or infinity */
};
enum nf_graph_metric { NF_GRAPH_COSINE = 0, NF_GRAPH_DOT = 1, NF_GRAPH_EUCLIDEAN = 2 };
enum nf_graph_format { NF_GRAPH_FLOAT32 = 0, NF_GRAPH_INT8 = 1 };

#define NF_GRAPH_NONE UINT32_MAX     /* ends a list of links that is not full */
#define NF_GRAPH_MAX_SLOTS INT32_MAX /* a slot and a flag share 32 bits */
#define NF_GRAPH_MAX_M 128
#define NF_GRAPH_MAX_EF 65536
#define NF_GRAPH_MAX_DIMENSION 65536
#define NF_GRAPH_LANES 64 /* int8 values of a row are padded to a multiple of this */

typedef struct {
    /* Vectors. float32: strided rows of the caller. int8: see graph_rows.c. */
    const uint8_t *rows;
    int64_t stride;     /* bytes from row to row */
    const float *terms; /* float32: what the metric needs of each row besides its values; int8: NULL */
    int64_t dimension;
    int32_t metric, format;
    /* Links. A list has 2m places on the lowest layer and m above. */
    int64_t count;                 /* slots with a place in `levels`, `base` and `upper_at` */
    int64_t upper_count;           /* lists in `upper` */
    int32_t m, top;                /* top: highest layer in use, -1 for an empty graph */
    uint32_t entry;                /* a slot of the highest layer */
    int32_t kernel;                /* index from nf_graph_kernel_name */
    const uint8_t *levels;         /* (count) */
    uint32_t *base;                /* (count, 2m) */
    const uint32_t *upper_at;      /* (count): the list of layer 1; the following ones lie behind it */
    uint32_t *upper;               /* (upper_count, m) */
} nf_graph;

NF_API int32_t nf_graph_version(void);
NF_API int32_t nf_graph_kernels(void);
NF_API const char *nf_graph_kernel_name(int32_t index); /* the preferred ones first */
NF_API int32_t nf_graph_kernel_usable(int32_t index);

/* Quantise `count` strided float32 rows to int8 rows; `centre` (dimension) is taken off first, or NULL.
 * `radius` is the length that shorter vectors are brought to for the metric dot, 0 for queries. */
NF_API int32_t nf_graph_encode(const float *vectors, int64_t stride, int64_t count, int64_t dimension,
                               int32_t metric, const float *centre, float radius, uint8_t *rows,
                               int64_t row_stride);

/* Insert the slots [first, graph->count); updates `entry` and `top`. */
NF_API int32_t nf_graph_insert(nf_graph *graph, int64_t first, int32_t ef, int32_t keep_pruned,
                               int32_t threads);

/* The nearest k of each query; results are (queries, k), best first, padded with -1 and infinity.
 * `queries` has rows in the format of the graph's: int8 rows, or float32 rows without gaps.
 * `allowed`: packed bits of the slots that may be returned, a whole number of bytes that holds
 * graph->count bits, or NULL. `effort`: most distances to compute for a query under a mask; 0 stands for
 * as many as there are allowed slots, for then comparing all of those is no more work.
 * `exhausted` is set where a search hit that bound, or found fewer than there should be. */
NF_API int32_t nf_graph_search(const nf_graph *graph, const uint8_t *queries, int64_t query_stride,
                               int64_t count, int32_t k, int32_t ef, const uint8_t *allowed,
                               int64_t effort, int64_t *slots, float *distances, int64_t *computed,
                               uint8_t *exhausted);

/* ---- Inside the library ------------------------------------------------------------------- */

const char *nf_graph_fault(const nf_graph *graph); /* NULL: its sizes and pointers make sense */

/* The inner loops, one set for each kind of processor. */
typedef struct {
    const char *name;
    int (*usable)(void);
    /* out[i] = Σ (query[j] · (row_i[j] − 128)), for int8 rows; `width` is a multiple of NF_GRAPH_LANES. */
    void (*int8_dots)(const int8_t *query, int32_t correction, const uint8_t *const *rows,
                      size_t count, size_t width, int32_t *out);
    void (*float_dots)(const float *query, const uint8_t *const *rows, size_t count, size_t dimension,
                       float *out);
    void (*float_squares)(const float *query, const uint8_t *const *rows, size_t count,
                          size_t dimension, float *out);
} nf_graph_kernel;

extern const nf_graph_kernel nf_graph_kernel_plain, nf_graph_kernel_avx2, nf_graph_kernel_avx512;
const nf_graph_kernel *nf_graph_kernel_at(int32_t index);

/* A vector that others are compared with. */
typedef struct {
    const void *values;  /* float32, or int8 without offset */
    int32_t correction;  /* int8: 128 times the sum of the values */
    float scale, term;
} nf_probe;

/* A candidate in one word that sorts by distance, then by slot: the distance's bits made monotone,
 * the slot, and a flag in the lowest bit. */
typedef uint64_t nf_candidate;

static inline nf_candidate nf_candidate_of(float distance, uint32_t slot) {
    union { float f; uint32_t u; } bits = {.f = distance + 0.0f}; /* zero has one sign */
    uint32_t ordered = bits.u & 0x80000000u ? ~bits.u : bits.u | 0x80000000u;
    return (uint64_t)ordered << 32 | (uint64_t)slot << 1;
}
static inline uint32_t nf_candidate_slot(nf_candidate c) { return (uint32_t)c >> 1; }
static inline float nf_candidate_distance(nf_candidate c) {
    uint32_t ordered = (uint32_t)(c >> 32);
    union { uint32_t u; float f; } bits = {.u = ordered & 0x80000000u ? ordered & 0x7FFFFFFFu : ~ordered};
    return bits.f;
}

/* Working memory of one search or one inserting thread. */
typedef struct nf_scratch {
    struct nf_scratch *next;
    uint64_t *visited;       /* one bit a slot, all zero between searches */
    size_t visited_words;
    uint32_t *touched;       /* slots whose bits are set */
    size_t touched_count, touched_capacity;
    nf_candidate *pool;      /* ef + 1, sorted */
    size_t pool_capacity;
    nf_candidate *frontier;  /* heap of a filtered search */
    size_t frontier_count, frontier_capacity;
    uint32_t *found;         /* neighbours to compare with, and their distances */
    float *distances;
    size_t found_capacity, distances_capacity;
    uint8_t *probe, *second;   /* values of probes made of rows */
    size_t probe_bytes, second_bytes;
    uint32_t *alive;         /* selection of neighbours: places of those not dominated, and who is kept */
    uint8_t *kept;
    size_t alive_capacity, kept_capacity;
    int64_t computed;        /* distances, since the search began */
} nf_scratch;

nf_scratch *nf_scratch_take(const nf_graph *graph, size_t ef); /* NULL: out of memory */
void nf_scratch_give(nf_scratch *scratch);
void nf_scratch_forget(nf_scratch *scratch); /* nothing is visited */
int nf_scratch_grow_frontier(nf_scratch *scratch);
int nf_scratch_grow_touched(nf_scratch *scratch, size_t more);

/* Mark a slot as visited; says whether it was not. There must be room in `touched`. */
static inline int nf_visit(nf_scratch *scratch, uint32_t slot) {
    uint64_t bit = (uint64_t)1 << (slot & 63), *word = scratch->visited + (slot >> 6);
    if (*word & bit) return 0;
    *word |= bit;
    scratch->touched[scratch->touched_count++] = slot;
    return 1;
}

/* Vectors. */
size_t nf_int8_width(size_t dimension);
size_t nf_probe_bytes(const nf_graph *graph);
void nf_probe_of_query(const nf_graph *graph, const uint8_t *query, void *values, nf_probe *probe);
void nf_probe_of_slot(const nf_graph *graph, uint32_t slot, void *values, nf_probe *probe);
void nf_distances(const nf_graph *graph, const nf_probe *probe, const uint32_t *slots, size_t count,
                  float *out);

/* Links. Lists are read without a lock while others write them, each link in one piece. */
static inline uint32_t nf_load_link(const uint32_t *link) { return __atomic_load_n(link, __ATOMIC_RELAXED); }
static inline void nf_store_link(uint32_t *link, uint32_t slot) { __atomic_store_n(link, slot, __ATOMIC_RELAXED); }
static inline size_t nf_list_places(const nf_graph *g, int layer) { return layer ? (size_t)g->m : 2 * (size_t)g->m; }
uint32_t *nf_list(const nf_graph *graph, uint32_t slot, int layer); /* NULL: the file is damaged */

/* Searching. The pool holds the result, sorted; returns its size, or -1 for a damaged graph. */
int nf_descend(const nf_graph *graph, const nf_probe *probe, uint32_t entry, int from, int to,
               nf_scratch *scratch, nf_candidate *nearest);
int64_t nf_search_layer(const nf_graph *graph, const nf_probe *probe, nf_candidate start, int layer,
                        size_t ef, nf_scratch *scratch);

typedef struct {
    const uint8_t *allowed; /* NULL: all */
    int64_t count;  /* how many are */
    int64_t effort; /* most distances to compute */
} nf_filter;
size_t nf_keep_sorted(nf_candidate *pool, size_t *size, size_t limit, nf_candidate candidate);
int64_t nf_search_filtered(const nf_graph *graph, const nf_probe *probe, nf_candidate start, size_t ef,
                           const nf_filter *filter, nf_scratch *scratch, uint8_t *exhausted);

#endif
