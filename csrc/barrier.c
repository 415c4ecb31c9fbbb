#define _POSIX_C_SOURCE 200809L
#include "barrier.h"

#include <stdlib.h>

#if defined(_WIN32)
#include <windows.h>
typedef volatile LONG atomic_t;
#define LOAD(x) InterlockedCompareExchange(&(x), 0, 0)
#define STORE(x, value) InterlockedExchange(&(x), value)
#define INCREMENT(x) InterlockedIncrement(&(x))
#define DECREMENT(x) InterlockedDecrement(&(x))
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

struct barrier_s {
    atomic_t arrived; /* threads of this round that are here */
    char apart_1[60]; /* on cache lines of their own: all spin on the round */
    atomic_t round;   /* how many times all have met, modulo the integer's range */
    char apart_2[60];
    atomic_t sleepers;
    int n_threads;
    lock_t lock;
    condition_t wake;
};

barrier_t *barrier_new(int n_threads) {
    barrier_t *barrier = calloc(1, sizeof *barrier);
    if (!barrier) return NULL;
    barrier->n_threads = n_threads;
    if (!INIT_OK(barrier)) {
        free(barrier);
        return NULL;
    }
    return barrier;
}

void barrier_free(barrier_t *barrier) {
    if (!barrier) return;
    DESTROY(barrier);
    free(barrier);
}

void barrier_wait(barrier_t *barrier) {
    int round = (int)LOAD(barrier->round);
    if (INCREMENT(barrier->arrived) == barrier->n_threads) {
        STORE(barrier->arrived, 0);
        STORE(barrier->round, (int)((unsigned)round + 1u));
        /* A sleeper counts itself before it looks at the round; we change the round
           before we look at the count: one of the two sees the other. */
        if (LOAD(barrier->sleepers)) {
            ACQUIRE(barrier);
            WAKE_ALL(barrier);
            RELEASE(barrier);
        }
        return;
    }
    for (int spin = 0; spin < SPINS; spin++) {
        if ((int)LOAD(barrier->round) != round) return;
        PAUSE();
    }
    ACQUIRE(barrier);
    INCREMENT(barrier->sleepers);
    while ((int)LOAD(barrier->round) == round) SLEEP(barrier);
    DECREMENT(barrier->sleepers);
    RELEASE(barrier);
}

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
