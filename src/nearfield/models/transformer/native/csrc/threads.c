/* The same work on several threads, which live as long as the call.
 *
 * Starting a thread takes some 20 µs, a call that needs several takes milliseconds. In return no
 * thread waits anywhere between calls, so that fork() and interpreter exit need no care.
 */
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
