/* The interface of the library, all that Python sees.
 *
 * Plain C types only, so that one build serves every Python version. Whoever changes a structure
 * or a function raises NFA_ABI_VERSION here and ABI_VERSION in library.py. Functions that can fail
 * return a status; sizes are checked here, what a pointer points to is the caller's word.
 *
 * `kernel` is an index below nfa_kernel_count(). A mask is packed: bit s % 8 of byte s / 8, up to
 * an 8-byte multiple of bytes that holds all slots; NULL allows everything. Rows lie `stride` bytes
 * apart, 4-byte aligned. Answers that are not there have slot -1 and score -infinity.
 */
#ifndef NEARFIELD_ANN_H
#define NEARFIELD_ANN_H

#include <stddef.h>
#include <stdint.h>

#define NFA_ABI_VERSION 4

#if defined(_WIN32)
#define NFA_API __declspec(dllexport)
#else
#define NFA_API __attribute__((visibility("default")))
#endif

enum nfa_status {
    NFA_OK = 0,
    NFA_INVALID = 1,
    NFA_OUT_OF_MEMORY = 2,
    NFA_IO = 3,
    NFA_REJECTED = 4, /* a query is zero, or not finite */
};

enum nfa_metric { NFA_COSINE = 0, NFA_DOT = 1, NFA_EUCLIDEAN = 2 };

/* What vectors are measured against before they are quantised. */
typedef struct {
    int64_t dimension;
    int64_t width;       /* dimension, padded to a multiple of 64 */
    int64_t metric;      /* enum nfa_metric */
    int64_t rounds;      /* of the rotation */
    const float *centre; /* (width), zero padded, in units of `scale` */
    const float *signs;  /* (rounds, width), ±1 */
    double scale;        /* typical length; 1 for cosine */
} nfa_space;

/* The 1-bit codes of slots below `covered` once more, in lists of near vectors. A list is left out
 * when its mean estimate and `reach` spreads do not come up to half of what is kept. */
typedef struct {
    const void *blocks;       /* see codes.h; the uint32 slots of its 64 places behind each, or -1 */
    const uint32_t *starts;   /* (count + 1): the block that each list begins with */
    const int8_t *means;      /* (count, width): mean of the rotated vectors, in units of a step */
    const float *steps;       /* (count), as all that follow */
    const float *adds;        /* mean of what is added to estimates */
    const float *spreads;     /* standard deviation of the vectors, a dimension */
    const float *add_spreads; /* standard deviation of what is added */
    int64_t count, covered;
    float reach;
} nfa_lists;

/* Vectors as a search by codes sees them. A record of every slot stands in a file, slot 0's at
 * `offset`: the int64 row of its chunk, eight bytes, the vector. */
typedef struct {
    const nfa_space *space;
    const void *segments; /* codes, as nfa_code_search takes them */
    const nfa_lists *lists;
    int64_t covered;      /* slots that have codes; those behind are compared one by one */
    int64_t slots;
    int64_t offset, stride;
    int32_t file, kernel;
} nfa_collection;

NFA_API int32_t nfa_abi_version(void);

/* Kernels, the preferred ones first. */
NFA_API int32_t nfa_kernel_count(void);
NFA_API const char *nfa_kernel_name(int32_t index);
NFA_API int32_t nfa_kernel_usable(int32_t index); /* whether this processor runs it */

/* The best `k` rows of each query by exact score, ties by slot. */
NFA_API int32_t nfa_exact_search(int32_t kernel, const void *rows, int64_t stride, int64_t count,
                                 int64_t dimension, int32_t metric, const float *queries,
                                 int64_t query_count, int64_t k, const uint8_t *allowed,
                                 int64_t *slots, float *scores);

/* Exact scores of given slots (query_count, candidates), -1 where there is none, and the best `k`
 * of them. Rows are in memory, or in a file from `offset` on. */
NFA_API int32_t nfa_rescore(int32_t kernel, const void *rows, int64_t stride, int64_t count,
                            int64_t dimension, int32_t metric, const float *queries,
                            int64_t query_count, const int64_t *candidates, int64_t candidate_count,
                            int64_t k, int64_t *slots, float *scores);
NFA_API int32_t nfa_rescore_file(int32_t kernel, int32_t file, int64_t offset, int64_t stride,
                                 int64_t count, int64_t dimension, int32_t metric,
                                 const float *queries, int64_t query_count,
                                 const int64_t *candidates, int64_t candidate_count, int64_t k,
                                 int64_t *slots, float *scores);

/* The first `size` bytes of records that lie `stride` bytes apart in a file, one behind the other. */
NFA_API int32_t nfa_read(int32_t file, int64_t offset, int64_t stride, int64_t size,
                         const int64_t *slots, int64_t slot_count, void *out);

/* Quantise `count` vectors into a unit (1024 vectors, see codes.h) from its place `first` on. */
NFA_API int32_t nfa_encode(int32_t kernel, const nfa_space *space, const void *vectors,
                           int64_t stride, int64_t count, void *unit, int64_t first);

/* The best `fine` slots of each query by 4-bit estimate among the best `coarse` by 1-bit estimate;
 * segments of `count` vectors (16384 each) lie one behind the other. Without lists (NULL) all are
 * scanned. Estimates are scores. */
NFA_API int32_t nfa_code_search(int32_t kernel, const nfa_space *space, const void *segments,
                                int64_t count, const nfa_lists *lists, const float *queries,
                                int64_t query_count, int64_t coarse, int64_t fine,
                                const uint8_t *allowed, int64_t *slots, float *estimates);

/* The best `k` of what nfa_code_search proposes and of the slots without codes, by exact score and,
 * where scores are equal, by row. */
NFA_API int32_t nfa_nearest(const nfa_collection *collection, const float *queries,
                            int64_t query_count, int64_t coarse, int64_t fine,
                            const uint8_t *allowed, int64_t k, int64_t *slots, int64_t *rows,
                            float *scores);

#endif
