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

#define NFL_ABI_VERSION 3

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

/* ---- from texts to a segment ---- */

/* Strings by number, each once; none has a line feed in it. */
typedef struct nfl_vocabulary nfl_vocabulary;

NFL_API nfl_vocabulary *nfl_vocabulary_new(void); /* NULL where there is no memory */
NFL_API void nfl_vocabulary_free(nfl_vocabulary *vocabulary);
NFL_API int64_t nfl_vocabulary_size(const nfl_vocabulary *vocabulary);

/* The strings from number `first` on, each with a line feed behind it, and their bytes. They stay
 * there until another string is added. */
NFL_API const uint8_t *nfl_vocabulary_lines(const nfl_vocabulary *vocabulary, int64_t first,
                                            int64_t *size);

/* Numbers of `count` strings, each with a line feed behind it; new ones are added. */
NFL_API int32_t nfl_vocabulary_number(nfl_vocabulary *vocabulary, const uint8_t *lines,
                                      int64_t size, int64_t count, uint32_t *numbers);

/* Number the words of texts, which follow each other in UTF-8 and have so many `characters`.
 * `classes` has one of 0, 1 (part of words), 2 (joins words) and 4 (hard) for each code point below
 * `known`, at least 128; characters above are hard. A text with a hard one is marked in `hard` and
 * has no words. Writes `counts` of each text and at most `size` numbers; returns how many, or -1
 * where there is no memory or the texts are longer than they are. */
NFL_API int64_t nfl_words(nfl_vocabulary *vocabulary, const uint8_t *text, int64_t size,
                          const uint32_t *characters, int64_t texts, const uint8_t *classes,
                          int64_t known, uint32_t *numbers, uint32_t *counts, uint8_t *hard);

/* Split the words from number `first` on by the rules of words.py. Writes how many terms each has, 0
 * where only Python knows, and the terms: numbers in `folded` times 8, plus 1 where it is to be
 * stemmed, 2 for a whole, 4 for one that counts unless a part is the same. There is room for as many
 * as the words have bytes, line feeds counted. Returns how many, or -1 where there is no memory. */
NFL_API int64_t nfl_split(const nfl_vocabulary *words, int64_t first, nfl_vocabulary *folded,
                          uint32_t *counts, uint32_t *entries);

/* The sections of a segment; see postings.py. */
typedef struct nfl_sections nfl_sections;

enum nfl_section {
    NFL_KEYS, NFL_KEY_ENDS, NFL_TERMS, NFL_BLOCKS, NFL_WORDS, NFL_TAILS, NFL_POSITIONS,
    NFL_SURFACES, NFL_SURFACE_ENDS, NFL_SURFACE_TERMS
};

/* A section and how many items it has: bytes, or numbers of 32 bits. */
NFL_API const void *nfl_sections_data(const nfl_sections *sections, int32_t which, int64_t *items);
NFL_API void nfl_sections_free(nfl_sections *sections);

/* Words of texts, by their numbers in `words`, and what each stands for. */
typedef struct {
    const uint32_t *found;  /* words of all texts, one behind the other */
    const uint32_t *counts; /* how many each text has */
    int64_t found_count, texts;
    const uint32_t *widths;          /* positions that a word takes */
    const uint32_t *starts;          /* where its terms begin; one more than words */
    const uint32_t *terms, *offsets; /* numbers in `keys`, and positions within the word */
    const uint32_t *surface_starts;  /* where its spellings begin; one more than words */
    const uint32_t *surfaces, *surface_terms; /* numbers in `spelt` and in `keys` */
    const nfl_vocabulary *words, *keys, *spelt;
    int64_t with_positions;
} nfl_batch;

/* Invert a batch; writes the `lengths` of its texts. NULL where there is no memory. */
NFL_API nfl_sections *nfl_invert(const nfl_batch *batch, uint32_t *lengths);

/* A segment to be merged; its tables have one row more than keys and surfaces. */
typedef struct {
    nfl_segment segment;
    const uint8_t *keys;
    const uint32_t *key_ends;
    const uint32_t *terms; /* rows of 4 */
    const uint8_t *positions;
    const uint8_t *surfaces;
    const uint32_t *surface_ends;
    const uint32_t *surface_terms;
    uint64_t key_count, key_bytes, position_bytes, surface_count, surface_bytes;
} nfl_source;

/* Merge segments whose slots follow each other without gaps. `targets` are the new numbers of their
 * slots, each once, UINT32_MAX where a slot's postings are dropped; NULL where all stay what they
 * are. `lengths` are those of the merged texts, by new number. */
NFL_API int32_t nfl_merge(const nfl_source *sources, int64_t count, const uint32_t *lengths,
                          const uint32_t *targets, int32_t with_positions, nfl_sections **merged);

/* Kernels for `nfl_places`, the preferred ones first; the other functions have one for all. */
NFL_API int32_t nfl_kernel_count(void);
NFL_API const char *nfl_kernel_name(int32_t index);
NFL_API int32_t nfl_kernel_usable(int32_t index); /* whether this processor runs it */

/* Write the places where `part` stands in `text`, at most `limit`; returns their number, or -1
 * where this processor does not run the kernel. */
NFL_API int64_t nfl_places(int32_t kernel, const uint8_t *text, int64_t size, const uint8_t *part,
                           int64_t length, int64_t *places, int64_t limit);

#endif
