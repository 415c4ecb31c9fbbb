/* A meeting point for a fixed number of threads, which spin for a moment, then sleep.

   A step lasts some ten microseconds, so waking a sleeper each time would cost more than
   the work; but a thread that keeps spinning takes the processor from its neighbours,
   perhaps from the very thread that it waits for. */
#ifndef FASTNN_BARRIER_H
#define FASTNN_BARRIER_H

typedef struct barrier_s barrier_t;

/* NULL when there is no memory or the system has no lock left. */
barrier_t *barrier_new(int n_threads);
void barrier_free(barrier_t *barrier);
/* Returns once all threads have called it: what they wrote before is then visible. */
void barrier_wait(barrier_t *barrier);

/* Seconds on a clock that only goes forward. */
double monotonic_seconds(void);

#endif
