/* Memory of the core: all of it is asked for here.

   Builds with FASTNN_SANITIZE, which are for tests, find out what others hide. Nothing lies
   behind a buffer there but what belongs to nobody, and what is not set reads as NaN. They
   ask a library of the tests', where one is loaded, which requests are refused. */
#ifndef FASTNN_ROOM_H
#define FASTNN_ROOM_H

#include <stddef.h>

/* Numbers on a cache line boundary: zeros, or whatever was there; NULL where there is no
   memory. */
void *room_zeros(size_t count, size_t size);
void *room_new(size_t bytes);
void room_free(void *room);

/* The same for a few rooms that come and go together, and so are one. 0 if there is no
   memory. */
int room_group(int count, const size_t *bytes, void **rooms);
void room_free_group(int count, void **rooms);

/* Whether the tests want the system to refuse something: a lock, a thread. */
#if defined(FASTNN_SANITIZE)
int room_refused(void);
#else
#define room_refused() 0
#endif

/* Of a part of a room, with so many bytes and then ROOM_GAP, only the first are used from
   now on. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
enum { ROOM_GAP = 64 };
#define ROOM_PART(start, used, bytes)                            \
    (__asan_unpoison_memory_region(start, used),                 \
     __asan_poison_memory_region((const char *)(start) + (used), \
                                 (size_t)(bytes) - (size_t)(used) + ROOM_GAP))
#else
enum { ROOM_GAP = 0 };
#define ROOM_PART(start, used, bytes) ((void)0)
#endif

#endif
