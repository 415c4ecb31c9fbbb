#define _POSIX_C_SOURCE 200809L
#include "team.h"

#include <stdlib.h>

#if defined(_WIN32)
#include <windows.h>
typedef volatile LONG atomic_t;
#define LOAD(x) InterlockedCompareExchange(&(x), 0, 0)
#define STORE(x, value) InterlockedExchange(&(x), value)
#define INCREMENT(x) InterlockedIncrement(&(x))
#define DECREMENT(x) InterlockedDecrement(&(x))
#define REPLACE(x, old, value) (InterlockedCompareExchange(&(x), value, old) == (old))
#define PAUSE() YieldProcessor()
typedef SRWLOCK lock_t;
typedef CONDITION_VARIABLE condition_t;
#define INIT_OK(b) \
    (InitializeSRWLock(&(b)->lock), InitializeConditionVariable(&(b)->wake), 1)
#define DESTROY(b) ((void)(b))
#define ACQUIRE(b) AcquireSRWLockExclusive(&(b)->lock)
#define RELEASE(b) ReleaseSRWLockExclusive(&(b)->lock)
#define SLEEP(b) SleepConditionVariableSRW(&(b)->wake, &(b)->lock, INFINITE, 0)
#define WAKE_ALL(b) WakeAllConditionVariable(&(b)->wake)
#else
#include <pthread.h>
#include <time.h>
typedef int atomic_t;
#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, value) __atomic_store_n(&(x), value, __ATOMIC_SEQ_CST)
#define INCREMENT(x) __atomic_add_fetch(&(x), 1, __ATOMIC_SEQ_CST)
#define DECREMENT(x) __atomic_sub_fetch(&(x), 1, __ATOMIC_SEQ_CST)
#define REPLACE(x, old, value)                                                 \
    __atomic_compare_exchange_n(&(x), &(int){old}, value, 0, __ATOMIC_SEQ_CST, \
                                __ATOMIC_SEQ_CST)
#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ __volatile__("yield")
#else
#define PAUSE() ((void)0)
#endif
typedef pthread_mutex_t lock_t;
typedef pthread_cond_t condition_t;
#define INIT_OK(b) \
    (!pthread_mutex_init(&(b)->lock, NULL) && !pthread_cond_init(&(b)->wake, NULL))
#define DESTROY(b) (pthread_mutex_destroy(&(b)->lock), pthread_cond_destroy(&(b)->wake))
#define ACQUIRE(b) pthread_mutex_lock(&(b)->lock)
#define RELEASE(b) pthread_mutex_unlock(&(b)->lock)
#define SLEEP(b) pthread_cond_wait(&(b)->wake, &(b)->lock)
#define WAKE_ALL(b) pthread_cond_broadcast(&(b)->wake)
#endif

enum { SPINS = 5000 }; /* some 50 to 200 microseconds */

/* On cache lines of their own: all look at the job, each thread writes its claims. */
typedef struct {
    atomic_t number;
    char apart[60];
} line_t;

struct team_s {
    line_t job;      /* number of the present job, modulo the integer's range */
    line_t finished; /* items of it that are done */
    atomic_t sleepers, dismissed;
    int n_threads;
    void (*work)(void *, int);
    void *context;
    lock_t lock;
    condition_t wake;
    line_t claimed[]; /* the last job for which each item was taken */
};

team_t *team_new(int n_threads) {
    team_t *team = calloc(1, sizeof *team + (size_t)n_threads * sizeof(line_t));
    if (!team) return NULL;
    team->n_threads = n_threads;
    if (!INIT_OK(team)) {
        free(team);
        return NULL;
    }
    return team;
}

void team_free(team_t *team) {
    if (!team) return;
    DESTROY(team);
    free(team);
}

/* Wakes who sleeps. A sleeper counts itself before it looks at what it waits for; that was
   changed before we look at the count: one of the two sees the other. */
static void wake(team_t *team) {
    if (!LOAD(team->sleepers)) return;
    ACQUIRE(team);
    WAKE_ALL(team);
    RELEASE(team);
}

/* Returns when the number has changed from, or to, this one: spins, then sleeps. */
static void wait(team_t *team, line_t *line, int number, int until_equal) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (((int)LOAD(line->number) == number) == until_equal) return;
        PAUSE();
    }
    ACQUIRE(team);
    INCREMENT(team->sleepers);
    while (((int)LOAD(line->number) == number) != until_equal) SLEEP(team);
    DECREMENT(team->sleepers);
    RELEASE(team);
}

/* Takes items of a job until all are taken, first one's own. Every job takes every item
   once, so that one that is free was last taken for the job before; a thread that comes
   too late finds a later number there. */
static void take_part(team_t *team, int me, int job) {
    int before = (int)((unsigned)job - 1u);
    for (int i = 0; i < team->n_threads; i++) {
        int item = (me + i) % team->n_threads;
        if ((int)LOAD(team->claimed[item].number) != before) continue;
        if (!REPLACE(team->claimed[item].number, before, job)) continue;
        team->work(team->context, item);
        if (INCREMENT(team->finished.number) == team->n_threads) wake(team);
    }
}

void team_run(team_t *team, void (*work)(void *, int), void *context) {
    if (team->n_threads == 1) {
        work(context, 0);
        return;
    }
    team->work = work;
    team->context = context;
    STORE(team->finished.number, 0);
    int job = (int)INCREMENT(team->job.number);
    wake(team);
    take_part(team, 0, job);
    wait(team, &team->finished, team->n_threads, 1);
}

void team_help(team_t *team, int me) {
    int job = (int)LOAD(team->job.number);
    while (!LOAD(team->dismissed)) {
        wait(team, &team->job, job, 0);
        job = (int)LOAD(team->job.number);
        if (!LOAD(team->dismissed)) take_part(team, me, job);
    }
}

void team_dismiss(team_t *team) {
    STORE(team->dismissed, 1);
    /* A job whose items are taken already: it only says that something has changed. */
    int job = (int)LOAD(team->job.number) + 1;
    for (int item = 0; item < team->n_threads; item++)
        STORE(team->claimed[item].number, job);
    STORE(team->job.number, job);
    wake(team);
}

void team_assemble(team_t *team) { STORE(team->dismissed, 0); }

double monotonic_seconds(void) {
#if defined(_WIN32)
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart / (double)frequency.QuadPart;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#endif
}
