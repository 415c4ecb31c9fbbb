/* Threads that share the items of small jobs: one leads, the others help.

   A job has one item for each thread, and each thread takes its own first: what it works
   on is still in its cache. Who is done takes what nobody has begun, so that a thread that
   the system has put aside, because others want the processor, holds up nobody as long as
   it has begun nothing; nor does one that the system refuses to start. An item does the
   same whoever takes it.

   A job lasts some ten microseconds, so waking a sleeper each time would cost more than
   the work; but a thread that keeps spinning takes the processor from its neighbours,
   perhaps from the very thread that it waits for. Waiting threads spin for a moment, then
   sleep.

   Helpers belong to C alone: they start with the first job, and end when they are sent
   home, when the team is freed, or by themselves when nothing has come for a while. So an
   exception between any two lines of Python can neither leave one behind nor wait for one.
   They know nothing of the interpreter, and take no signals. */
#ifndef FASTNN_TEAM_H
#define FASTNN_TEAM_H

typedef struct team_s team_t;

/* NULL when there is no memory or the system has no lock left. With flushes, helpers flush
   denormal numbers to zero, as their leader is to do. */
team_t *team_new(int n_threads, int flushes);
void team_free(team_t *team);

/* Called by the leader: work(context, item) for every item, on the threads that are
   there. What the leader wrote before is visible to them, and what they write is visible
   when it returns. */
void team_run(team_t *team, void (*work)(void *context, int item), void *context);
/* Called by the leader between jobs: waits for the helpers to end. The next job starts
   others. */
void team_send_home(team_t *team);
/* Called by the leader before the first of some jobs: a forked child has none of its
   parent's helpers. */
void team_begin(team_t *team);

/* Seconds on a clock that only goes forward. */
double monotonic_seconds(void);

#endif
