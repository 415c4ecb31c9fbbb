/* Memory of the core: all of it is asked for here.

   Builds with FASTNN_SANITIZE, which are for tests, find out what others hide. Nothing lies
   behind a buffer there but what belongs to nobody, and what is not set reads as NaN. They
   ask a library of the tests', where one is loaded, which requests are refused. */
#ifndef FASTNN_MEMORY_H
#define FASTNN_MEMORY_H

#include <stddef.h>

/* Numbers on a cache line boundary: zeros, or whatever was there; NULL where there is no
   memory. */
void *buffer_zeros(size_t count, size_t size);
void *buffer_new(size_t bytes);
void buffer_free(void *buffer);

/* The same for a few buffers that come and go together, and so are one. 0 if there is no
   memory. */
int buffer_group(int count, const size_t *bytes, void **buffers);
void buffer_free_group(int count, void **buffers);

/* Whether the tests want the system to refuse something: a lock, a thread. */
#if defined(FASTNN_SANITIZE)
int request_refused(void);
#else
#define request_refused() 0
#endif

/* Of a part of a buffer, with so many bytes and then BUFFER_GAP, only the first are used from
   now on. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
enum { BUFFER_GAP = 64 };
#define BUFFER_PART(start, used, bytes)                          \
    (__asan_unpoison_memory_region(start, used),                 \
     __asan_poison_memory_region((const char *)(start) + (used), \
                                 (size_t)(bytes) - (size_t)(used) + BUFFER_GAP))
#else
enum { BUFFER_GAP = 0 };
#define BUFFER_PART(start, used, bytes) ((void)0)
#endif

#endif
