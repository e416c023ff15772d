/* The same work on several threads, which live as long as the call.
 *
 * Starting a thread takes some 20 µs, a call that needs several takes longer. In return no thread
 * waits anywhere between calls, so that fork() and interpreter exit need no care, and nothing
 * spins while nobody computes.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"

#define MOST_THREADS 256

struct job {
    void (*work)(void *context);
    void *context;
};

static void *start(void *argument) {
    const struct job *job = argument;
    job->work(job->context);
    return NULL;
}

/* The calling thread takes part. Threads that cannot be started are done without. */
void nf_run_on_threads(int threads, void (*work)(void *context), void *context) {
    pthread_t started[MOST_THREADS];
    struct job job = {work, context};
    int count = 0;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    while (count < threads - 1 && pthread_create(&started[count], NULL, start, &job) == 0) count++;
    work(context);
    for (int i = 0; i < count; i++) pthread_join(started[i], NULL);
}

/* A team does short steps together, some microseconds each. The caller leads: it announces a step
 * to the helpers that have arrived by then, does its own part, and waits for theirs. A helper
 * that the system starts late joins at a later step, so nobody waits for a thread that does not
 * run yet. One that is interrupted in the middle of its part has to be waited for. Once that has
 * taken a time slice more than the helpers have saved, the machine is busy with other work, and the
 * caller goes on alone.
 */
struct team {
    const kernel *kernel;
    void (*step)(void *context, member part);
    void *context;
    atomic_uint_fast64_t announced; /* number of the step · 2¹⁶ + its members; 0 members: go home */
    atomic_size_t arrived;          /* helpers that are there */
    atomic_size_t done;             /* helpers that have done their part of the step */
    atomic_size_t owners;           /* threads that still look at this structure */
    int64_t saved, waited;          /* ns: what the others' parts spared the leader, and cost it */
    int left;                       /* the leader goes on alone */
};

#define MEMBERS(announced) ((size_t)((announced) & 0xffff))

#define SPINS 2000 /* some 50 µs: longer than most steps take */
#define TIME_SLICE 4000000 /* ns, about */

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Spin a while, as the next step is near; then leave the core to whoever wants it. */
static void wait_a_little(unsigned *waited) {
    if (++*waited > SPINS) sched_yield();
#if defined(__x86_64__)
    else __builtin_ia32_pause();
#endif
}

static void disown(team *t) {
    if (atomic_fetch_sub(&t->owners, 1) == 1) free(t);
}

static void *help(void *argument) {
    team *t = argument;
    uint_fast64_t seen = 1; /* step 0 with its leader alone */
    t->kernel->thread_begin();
    const size_t index = 1 + atomic_fetch_add(&t->arrived, 1);
    for (;;) {
        uint_fast64_t announced;
        unsigned waited = 0;
        while ((announced = atomic_load_explicit(&t->announced, memory_order_acquire)) == seen)
            wait_a_little(&waited);
        seen = announced;
        if (MEMBERS(announced) == 0) break;
        /* Only of a step that it is counted in may it read more: that one waits for it. */
        if (index >= MEMBERS(announced)) continue;
        t->step(t->context, (member){index, MEMBERS(announced)});
        atomic_fetch_add_explicit(&t->done, 1, memory_order_release);
    }
    t->kernel->thread_end();
    disown(t);
    return NULL;
}

/* A team of up to `members`, the caller included; NULL where there is nobody but the caller. */
team *nf_team_gather(const kernel *kernel, size_t members) {
    pthread_attr_t detached;
    if (members < 2 || pthread_attr_init(&detached) != 0) return NULL;
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    team *t = calloc(1, sizeof *t);
    if (t) {
        t->kernel = kernel;
        atomic_init(&t->announced, 1);
        atomic_init(&t->owners, 1);
        for (size_t i = 1; i < members && i < MOST_THREADS; i++) {
            pthread_t ignored;
            atomic_fetch_add(&t->owners, 1);
            if (pthread_create(&ignored, &detached, help, t) != 0) {
                atomic_fetch_sub(&t->owners, 1);
                break;
            }
        }
    }
    pthread_attr_destroy(&detached);
    return t;
}

static void announce(team *t, size_t members) {
    const uint_fast64_t last = atomic_load_explicit(&t->announced, memory_order_relaxed);
    atomic_store_explicit(&t->announced, ((last >> 16) + 1) << 16 | members, memory_order_release);
}

void nf_team_step(team *t, void (*step)(void *context, member part), void *context) {
    if (!t || t->left) {
        step(context, (member){0, 1});
        return;
    }
    const size_t members = 1 + atomic_load_explicit(&t->arrived, memory_order_acquire);
    t->step = step;
    t->context = context;
    atomic_store_explicit(&t->done, 0, memory_order_relaxed);
    announce(t, members);
    const int64_t begun = now();
    step(context, (member){0, members});
    const int64_t done = now();
    unsigned waited = 0;
    while (atomic_load_explicit(&t->done, memory_order_acquire) != members - 1)
        wait_a_little(&waited);
    t->saved += (int64_t)(members - 1) * (done - begun);
    t->waited += now() - done;
    if (t->waited > t->saved + TIME_SLICE) {
        t->left = 1;
        announce(t, 0);
    }
}

/* The helpers leave by themselves; the last one frees the team. Returns whether the caller has
 * waited longer for them than they saved. */
int nf_team_dismiss(team *t) {
    const int lost = t->waited > t->saved;
    if (!t->left) announce(t, 0);
    disown(t);
    return lost;
}
