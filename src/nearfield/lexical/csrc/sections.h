/* The sections of a segment, filled term by term; postings.py tells what stands in them. */
#ifndef NFL_SECTIONS_H
#define NFL_SECTIONS_H

#include "growing.h"
#include "nearfield_lexical.h"

struct nfl_sections {
    nfl_bytes keys, tails, positions, surfaces;
    nfl_numbers key_ends, terms, blocks, words, surface_ends, surface_terms;
    size_t marked; /* where the positions of the next term begin */
};

/* Postings of one term, in order of slots. */
typedef struct {
    const uint32_t *slots, *frequencies;
    size_t count;
} nfl_postings;

nfl_sections *nfl_sections_new(void);

/* Add the next term by its key; its positions were added before. False where there is no memory. */
bool nfl_sections_term(nfl_sections *s, const uint8_t *key, size_t length,
                       const nfl_postings *postings, const uint32_t *lengths);

/* Add the next spelling of a term. */
bool nfl_sections_surface(nfl_sections *s, const uint8_t *spelt, size_t length, uint32_t term);

/* Close the table of terms. */
bool nfl_sections_finish(nfl_sections *s);

#endif
