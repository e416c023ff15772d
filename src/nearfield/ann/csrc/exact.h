/* Scores that depend on the two vectors alone. */
#ifndef NFA_EXACT_H
#define NFA_EXACT_H

#include "kernel.h"

/* Higher is closer; before it is rounded to float32. The cosine with a zero vector is 0. */
double nfa_exact_score(const nfa_kernel *kernel, int32_t metric, const float *row,
                       const float *query, size_t dimension);

/* The same where the query's length is known: √ of its exact product with itself. */
double nfa_exact_score_of(const nfa_kernel *kernel, int32_t metric, const float *row,
                          const float *query, double query_length, size_t dimension);

/* The score packed with its slot; NaN, which no stored vector gives, comes last. */
uint64_t nfa_packed_score(double score, uint32_t slot);

/* Write the `k` best of `count` packed scores, best first; -1 and -infinity behind them. */
void nfa_write_best(uint64_t *packed, size_t count, size_t k, int64_t *slots, float *scores);

#endif
