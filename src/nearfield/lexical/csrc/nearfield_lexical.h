/* The interface of the library, all that Python sees.
 *
 * Plain C types only, so that one build serves every Python version. Whoever changes a structure
 * or a function raises NFL_ABI_VERSION here and ABI_VERSION in library.py. The layout of a segment
 * is told in postings.py. Sizes are checked here; what a pointer points to is the caller's word.
 */
#ifndef NEARFIELD_LEXICAL_H
#define NEARFIELD_LEXICAL_H

#include <stddef.h>
#include <stdint.h>

#define NFL_ABI_VERSION 1

#if defined(_WIN32)
#define NFL_API __declspec(dllexport)
#else
#define NFL_API __attribute__((visibility("default")))
#endif

enum nfl_status { NFL_OK = 0, NFL_DAMAGED = 1, NFL_OUT_OF_MEMORY = 2 };

enum nfl_formula { NFL_BM25 = 0, NFL_DOT = 1 };

typedef struct {
    const uint32_t *lengths; /* positions of each text, `slots` of them */
    const uint32_t *blocks;  /* rows of 5: last slot, max frequency, min lengths, bits, word */
    const uint32_t *words;
    const uint8_t *tails;
    uint64_t slots, block_count, word_count, tail_bytes;
    uint64_t first_slot; /* number of the segment's first slot in the collection */
} nfl_segment;

/* Postings of one clause in one segment: packed, or loose where `slots` is set. */
typedef struct {
    uint32_t segment, clause;
    uint32_t count, first_block, tail, tail_end;
    const uint32_t *slots;
    const float *frequencies;
} nfl_list;

typedef struct {
    int64_t formula;
    double k1, b, average; /* average length over the collection */
} nfl_scoring;

NFL_API int32_t nfl_abi_version(void);

/* The best `k` slots by score, then by slot. `lists` are ordered by segment, at most one a clause
 * and segment. `allowed` is a packed mask over the collection's slots, or NULL. Writes the results'
 * slots (k), scores (k) and frequencies (k, clauses), and their number. */
NFL_API int32_t nfl_search(const nfl_segment *segments, int64_t segment_count, const nfl_list *lists,
                           int64_t list_count, const float *weights, int64_t clause_count,
                           const nfl_scoring *scoring, const uint8_t *allowed, int64_t allowed_bytes,
                           int64_t k, int64_t *slots, float *scores, float *frequencies,
                           int64_t *found);

/* All `list->count` postings of a packed list. */
NFL_API int32_t nfl_read(const nfl_segment *segment, const nfl_list *list, uint32_t *slots,
                         float *frequencies);

/* Index of a key among `count` ascending ones, or where it would stand, as -1 - index. */
NFL_API int64_t nfl_find(const uint8_t *keys, const uint32_t *ends, int64_t count,
                         const uint8_t *key, int64_t length);

/* Decode `count` variable-byte numbers; returns how many bytes they took, or -1 if they do not
 * end within `size`. */
NFL_API int64_t nfl_variable(const uint8_t *data, int64_t size, uint32_t *values, int64_t count);

/* Kernels for `nfl_places`, the preferred ones first; the other functions have one for all. */
NFL_API int32_t nfl_kernel_count(void);
NFL_API const char *nfl_kernel_name(int32_t index);
NFL_API int32_t nfl_kernel_usable(int32_t index); /* whether this processor runs it */

/* Write the places where `part` stands in `text`, at most `limit`; returns their number, or -1
 * where this processor does not run the kernel. */
NFL_API int64_t nfl_places(int32_t kernel, const uint8_t *text, int64_t size, const uint8_t *part,
                           int64_t length, int64_t *places, int64_t limit);

#endif
