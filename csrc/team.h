/* Threads that share the items of small jobs: one leads, the others help.

   A job has one item for each thread, and each thread takes its own first: what it works
   on is still in its cache. Who is done takes what nobody has begun, so that a thread that
   the system has put aside, because others want the processor, holds up nobody as long as
   it has begun nothing. An item does the same whoever takes it.

   A job lasts some ten microseconds, so waking a sleeper each time would cost more than
   the work; but a thread that keeps spinning takes the processor from its neighbours,
   perhaps from the very thread that it waits for. Waiting threads spin for a moment, then
   sleep. */
#ifndef FASTNN_TEAM_H
#define FASTNN_TEAM_H

typedef struct team_s team_t;

/* NULL when there is no memory or the system has no lock left. */
team_t *team_new(int n_threads);
void team_free(team_t *team);

/* Called by the leader: work(context, item) for every item, on the threads that are
   there. What the leader wrote before is visible to them, and what they write is visible
   when it returns. */
void team_run(team_t *team, void (*work)(void *context, int item), void *context);
/* Called by helper me = 1 ... n_threads - 1: returns when the leader dismisses it. The
   leader lets the helpers in again, once all have returned, before new ones call. */
void team_help(team_t *team, int me);
void team_dismiss(team_t *team);
void team_assemble(team_t *team);

/* Seconds on a clock that only goes forward. */
double monotonic_seconds(void);

#endif
