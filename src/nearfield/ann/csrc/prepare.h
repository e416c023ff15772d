/* A query made ready for a scan of codes. */
#ifndef NFA_PREPARE_H
#define NFA_PREPARE_H

#include "kernel.h"

/* `x` takes width floats, 64-byte aligned; `query->tables` and `query->bytes` are the caller's. */
void nfa_prepare(const nfa_kernel *kernel, const nfa_space *space, const float *vector, float *x,
                 nfa_query *query);

float nfa_score_of_estimate(const nfa_space *space, const nfa_query *query, float estimate);

#endif
