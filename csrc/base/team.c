#define _POSIX_C_SOURCE 200809L
#include "base/team.h"

#include "base/denormals.h"
#include "base/memory.h"

#if defined(_WIN32)
#include <process.h>
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
typedef HANDLE thread_t;
typedef int process_t; /* there is no fork */
#define THIS_PROCESS() 0
#define HELP_RETURNS unsigned __stdcall
#define DESTROY(b) ((void)(b))
#define ACQUIRE(b) AcquireSRWLockExclusive(&(b)->lock)
#define RELEASE(b) ReleaseSRWLockExclusive(&(b)->lock)
#define SLEEP(b) SleepConditionVariableSRW(&(b)->wake, &(b)->lock, INFINITE, 0)
#define WAKE_ALL(b) WakeAllConditionVariable(&(b)->wake)
#else
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
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
typedef pthread_t thread_t;
typedef pid_t process_t;
#define THIS_PROCESS() getpid()
#define HELP_RETURNS void *
#define DESTROY(b) (pthread_mutex_destroy(&(b)->lock), pthread_cond_destroy(&(b)->wake))
#define ACQUIRE(b) pthread_mutex_lock(&(b)->lock)
#define RELEASE(b) pthread_mutex_unlock(&(b)->lock)
#define SLEEP(b) pthread_cond_wait(&(b)->wake, &(b)->lock)
#define WAKE_ALL(b) pthread_cond_broadcast(&(b)->wake)
#endif

enum {
    SPINS = 5000,            /* some 50 to 200 microseconds */
    IDLE_MILLISECONDS = 200, /* after which a helper ends by itself */
    STACK_BYTES = 1 << 20    /* of a helper, whatever the process gives to others */
};

/* On cache lines of their own: all look at the job, each thread writes its claims. */
typedef struct {
    atomic_t number;
    char apart[60];
} line_t;

enum { ABSENT, PRESENT, ENDED }; /* states of a helper */

typedef struct {
    team_t *team;
    thread_t thread;
    atomic_t state;
    int me;
    int job; /* the last one before it was started */
} helper_t;

struct team_s {
    line_t job;      /* number of the present job, modulo the integer's range */
    line_t finished; /* items of it that are done */
    atomic_t sleepers, dismissed;
    int n_threads, flushes;
    process_t process; /* in which the helpers are */
    void (*work)(void *, int);
    void *context;
    lock_t lock;
    condition_t wake;
    helper_t *helpers;
    line_t claimed[]; /* the last job for which each item was taken */
};

#if defined(_WIN32)
static int init_locks(team_t *team) {
    InitializeSRWLock(&team->lock);
    InitializeConditionVariable(&team->wake);
    return 1;
}
#else
static int init_locks(team_t *team) {
    pthread_condattr_t attributes;
    if (request_refused()) return 0;
    if (pthread_condattr_init(&attributes)) return 0;
    int failed = pthread_mutex_init(&team->lock, NULL);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    if (!failed && pthread_cond_init(&team->wake, &attributes)) {
        pthread_mutex_destroy(&team->lock);
        failed = 1;
    }
    pthread_condattr_destroy(&attributes);
    return !failed;
}
#endif

team_t *team_new(int n_threads, int flushes) {
    team_t *team = buffer_zeros(1, sizeof *team + (size_t)n_threads * sizeof(line_t));
    if (!team) return NULL;
    team->n_threads = n_threads;
    team->flushes = flushes;
    team->process = THIS_PROCESS();
    team->helpers = buffer_zeros((size_t)n_threads, sizeof(helper_t));
    if (!team->helpers || !init_locks(team)) {
        buffer_free(team->helpers);
        buffer_free(team);
        return NULL;
    }
    return team;
}

void team_free(team_t *team) {
    if (!team) return;
    team_begin(team);
    team_send_home(team);
    DESTROY(team);
    buffer_free(team->helpers);
    buffer_free(team);
}

/* Wakes who sleeps. A sleeper counts itself before it looks at what it waits for; that was
   changed before we look at the count: one of the two sees the other. */
static void wake(team_t *team) {
    if (!LOAD(team->sleepers)) return;
    ACQUIRE(team);
    WAKE_ALL(team);
    RELEASE(team);
}

/* Whether the line has, or has not any more, the number; spins for a moment. */
static int comes_soon(line_t *line, int number, int until_equal) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (((int)LOAD(line->number) == number) == until_equal) return 1;
        PAUSE();
    }
    return 0;
}

/* The leader's: returns when all items are done. */
static void wait_for_others(team_t *team) {
    if (comes_soon(&team->finished, team->n_threads, 1)) return;
    ACQUIRE(team);
    INCREMENT(team->sleepers);
    while ((int)LOAD(team->finished.number) != team->n_threads) SLEEP(team);
    DECREMENT(team->sleepers);
    RELEASE(team);
}

/* Sleeps until woken or idle for too long; 0 then. The lock is held. */
static int sleep_for_a_while(team_t *team) {
#if defined(_WIN32)
    return SleepConditionVariableSRW(&team->wake, &team->lock, IDLE_MILLISECONDS, 0) !=
           0;
#else
    struct timespec end;
#if defined(__APPLE__)
    clock_gettime(CLOCK_REALTIME, &end);
#else
    clock_gettime(CLOCK_MONOTONIC, &end);
#endif
    end.tv_nsec += IDLE_MILLISECONDS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    return pthread_cond_timedwait(&team->wake, &team->lock, &end) == 0;
#endif
}

/* A helper's: whether another job than this one has come. */
static int wait_for_job(team_t *team, int job) {
    if (comes_soon(&team->job, job, 0)) return 1;
    int in_time = 1;
    ACQUIRE(team);
    INCREMENT(team->sleepers);
    while ((int)LOAD(team->job.number) == job && in_time)
        in_time = sleep_for_a_while(team);
    DECREMENT(team->sleepers);
    RELEASE(team);
    return (int)LOAD(team->job.number) != job;
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

static HELP_RETURNS help(void *argument) {
    helper_t *self = argument;
    team_t *team = self->team;
    int job = self->job;
    if (team->flushes) flush_denormals();
    while (wait_for_job(team, job) && !LOAD(team->dismissed)) {
        job = (int)LOAD(team->job.number);
        take_part(team, self->me, job);
    }
    STORE(self->state, ENDED);
    return 0;
}

/* Whether a helper could be started. */
static int start(helper_t *helper) {
#if defined(_WIN32)
    helper->thread = (HANDLE)_beginthreadex(NULL, STACK_BYTES, help, helper, 0, NULL);
    return helper->thread != 0;
#else
    pthread_attr_t attributes;
    sigset_t all, before;
    if (request_refused()) return 0;
    if (pthread_attr_init(&attributes)) return 0;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread inherits it */
    int failed = pthread_create(&helper->thread, &attributes, help, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
#endif
}

static void join(helper_t *helper) {
#if defined(_WIN32)
    WaitForSingleObject(helper->thread, INFINITE);
    CloseHandle(helper->thread);
#else
    pthread_join(helper->thread, NULL);
#endif
    STORE(helper->state, ABSENT);
}

/* Starts the helpers that are not there. One that ends at this very moment is missed by
   one job. */
static void gather_helpers(team_t *team) {
    for (int me = 1; me < team->n_threads; me++) {
        helper_t *helper = &team->helpers[me];
        int state = (int)LOAD(helper->state);
        if (state == PRESENT) continue;
        if (state == ENDED) join(helper);
        helper->team = team;
        helper->me = me;
        helper->job = (int)LOAD(team->job.number);
        STORE(helper->state, PRESENT);
        if (!start(helper)) STORE(helper->state, ABSENT);
    }
}

void team_run(team_t *team, void (*work)(void *, int), void *context) {
    if (team->n_threads == 1) {
        work(context, 0);
        return;
    }
    gather_helpers(team);
    team->work = work;
    team->context = context;
    STORE(team->finished.number, 0);
    int job = (int)INCREMENT(team->job.number);
    wake(team);
    take_part(team, 0, job);
    wait_for_others(team);
}

void team_send_home(team_t *team) {
    int n_present = 0;
    for (int me = 1; me < team->n_threads; me++)
        n_present += LOAD(team->helpers[me].state) != ABSENT;
    if (!n_present) return;
    STORE(team->dismissed, 1);
    /* A job whose items are taken already: it only says that something has changed. */
    int job = (int)((unsigned)LOAD(team->job.number) + 1u);
    for (int item = 0; item < team->n_threads; item++)
        STORE(team->claimed[item].number, job);
    STORE(team->job.number, job);
    wake(team);
    for (int me = 1; me < team->n_threads; me++)
        if (LOAD(team->helpers[me].state) != ABSENT) join(&team->helpers[me]);
    STORE(team->dismissed, 0);
}

void team_begin(team_t *team) {
    if (team->process == THIS_PROCESS()) return;
    team->process = THIS_PROCESS();
    for (int me = 1; me < team->n_threads; me++) STORE(team->helpers[me].state, ABSENT);
    /* One of them may have held the lock when the process was forked. */
    STORE(team->sleepers, 0);
    init_locks(team);
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
