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

/* What one thread needs for itself. */
typedef struct {
    void *shares, *keys, *values; /* elements */
    float *scores;
    float *tile; /* two tiles of sums, used in turn */
} scratch;

/* The memory of one block of texts and of the threads that work on it; grown on demand, reused
 * from call to call. */
typedef struct workspace {
    struct workspace *next;
    size_t tokens;  /* rows it has */
    size_t members; /* threads it is for */
    void *memory;
    void *state, *qkv, *context, *wide; /* elements */
    float *residual;
    scratch *scratch; /* of each member */
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
    void *panels; /* borrowed: what the pointers above and in the layers point into */
    size_t panels_bytes;
    pthread_mutex_t lock; /* guards what follows */
    workspace *spare;
    int alone, pause; /* calls without a team from now on, and after the next interruption */
};

/* One block of work: texts whose tokens lie side by side. */
typedef struct {
    const int64_t *ids;     /* the first text's first token */
    const int64_t *borders; /* texts + 1, not shifted: borders[0] belongs to ids[0] */
    size_t texts;
} block;

/* Threads that work on one block together, step by step; NULL stands for the caller alone. */
typedef struct team team;

/* A member's part of a step. */
typedef struct {
    size_t index, members;
} member;

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
    void (*encode)(const nf_model *model, workspace *w, const block *texts, team *team);
};

extern const kernel nf_kernel_plain, nf_kernel_avx2, nf_kernel_avx512, nf_kernel_avx512bf16,
    nf_kernel_amx, nf_kernel_amx_emulated;

static inline size_t nf_round_up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* The part of `count` items that is a member's, first to end. */
static inline size_t nf_part_begin(size_t count, member part) {
    return count * part.index / part.members;
}
static inline size_t nf_part_end(size_t count, member part) {
    return count * (part.index + 1) / part.members;
}

/* api.c */
__attribute__((format(printf, 4, 5)))
int32_t nf_fail(int32_t status, char *message, size_t size, const char *format, ...);

/* panels.c */
int nf_lay_panels(nf_model *m, void *panels); /* sets panels_bytes; with NULL only that */
void nf_fill_panels(nf_model *m, const nf_weights *weights, int threads);

/* memory.c */
void *nf_allocate(size_t bytes); /* zeroed, on huge pages where large */
workspace *nf_take_workspace(nf_model *model, size_t tokens, size_t members);
void nf_return_workspace(nf_model *model, workspace *w);
void nf_free_workspaces(nf_model *model);

/* threads.c */
void nf_run_on_threads(int threads, void (*work)(void *context), void *context);
team *nf_team_gather(const kernel *kernel, size_t members);
void nf_team_step(team *team, void (*step)(void *context, member part), void *context);
int nf_team_dismiss(team *team);

/* cpu.c */
int nf_cpu_has_avx2(void);
int nf_cpu_has_avx512(void);
int nf_cpu_has_avx512bf16(void);
int nf_cpu_has_amx(void);

#endif
