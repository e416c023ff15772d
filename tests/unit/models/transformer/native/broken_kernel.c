/* A kernel that is wrong in the way that BROKEN says, under the name of another one. */
#include <math.h>
#include <unistd.h>

#include "product_registers.h"
#include "encoder.h"

static int always(void) { return 1; }

static void broken(const nf_model *m, workspace *w, const block *texts, team *t) {
    encode(m, w, texts, t);
#if BROKEN == 1
    w->residual[3 * m->hidden + 5] += 0.1f;
#elif BROKEN == 2
    w->residual[7] = NAN;
#elif BROKEN == 3
    __builtin_trap();
#elif BROKEN == 4
    _exit(0);
#endif
}

const kernel nf_kernel_avx2 = {
    .name = "avx2", .precision = NF_EXACT, .element = sizeof(element), .rows = ROWS,
    .usable = always, .thread_begin = thread_begin, .thread_end = thread_end, .pack = pack,
    .encode = broken,
};
