/* What a model is inside the library, and what a kernel has to offer. */
#ifndef NF_MODEL_H
#define NF_MODEL_H

#include <pthread.h>

#include "nearfield_native.h"

/* Widths are rounded up to this, so that every panel, vector and tile is whole; the additional
 * weights are zero, and zero inputs make zero outputs. */
#define NF_ALIGN 32

/* A linear layer y = x Wᵀ + b, its weights in the kernel's own order (see panels.h). */
typedef struct {
    void *panels;
    float *bias;
    size_t inputs, outputs; /* rounded up */
} linear;

typedef struct {
    linear qkv, attended, widen, narrow;
    float *attended_norm_weight, *attended_norm_bias, *norm_weight, *norm_bias;
} layer;

/* A thread's memory for one block of texts; grown on demand, reused from call to call. */
typedef struct workspace {
    struct workspace *next;
    size_t tokens; /* rows it has */
    void *memory;
    void *state, *qkv, *context, *wide, *shares, *keys, *values; /* elements */
    float *residual, *scores;
    float *tile; /* two tiles of sums, used in turn */
} workspace;

typedef struct kernel kernel;

struct nf_model {
    nf_shape shape;
    const kernel *kernel;
    size_t hidden;       /* rounded up */
    size_t head;         /* size of a head, rounded up */
    size_t head_columns; /* heads · head */
    size_t wide_chunk;   /* feed-forward columns that are computed at a time */
    /* Row lengths in elements, one cache line longer than needed: powers of two would put the
     * rows of a column into the same few cache sets. */
    size_t state_stride, qkv_stride, context_stride, wide_stride;
    const float *words, *positions;
    float *token_type, *norm_weight, *norm_bias, *relative_bias;
    layer *layers;
    void *arena;
    pthread_mutex_t lock; /* guards spare */
    workspace *spare;
};

/* One block of work: texts whose tokens lie side by side. */
typedef struct {
    const int64_t *ids;     /* the first text's first token */
    const int64_t *borders; /* texts + 1, not shifted: borders[0] belongs to ids[0] */
    size_t texts;
} block;

struct kernel {
    const char *name;
    enum nf_precision precision;
    int only_by_name;
    size_t element; /* bytes of an activation or weight */
    size_t rows;    /* rows a product works on at a time; buffers have that many to spare */
    int (*usable)(void);
    void (*thread_begin)(void);
    void (*thread_end)(void);
    /* Put (outputs, inputs) weights into panels; factor scales them. */
    void (*pack)(linear *to, size_t first_output, const float *weight, size_t outputs,
                 size_t inputs, size_t group, size_t padded_group, float factor);
    /* Leaves the last hidden states in w->residual, rows of model->hidden floats. */
    void (*encode)(const nf_model *model, workspace *w, const block *texts);
};

extern const kernel nf_kernel_plain, nf_kernel_avx2, nf_kernel_avx512, nf_kernel_avx512bf16,
    nf_kernel_amx, nf_kernel_amx_emulated;

static inline size_t nf_round_up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* memory.c */
void *nf_allocate(size_t bytes); /* zeroed, on huge pages where large */
void nf_release(void *memory);
int nf_build(nf_model *model, const nf_weights *weights, int threads);
workspace *nf_take_workspace(nf_model *model, size_t tokens);
void nf_return_workspace(nf_model *model, workspace *w);
void nf_free_workspaces(nf_model *model);

/* threads.c */
void nf_run_on_threads(int threads, void (*work)(void *context), void *context);

/* cpu.c */
int nf_cpu_has_avx2(void);
int nf_cpu_has_avx512(void);
int nf_cpu_has_avx512bf16(void);
int nf_cpu_has_amx(void);

#endif
