/* What each sanitizer must find: without them, nobody would notice that it is not at work.
   Compiled like the core, and with its memory.c. */
#include <pthread.h>
#include <string.h>

#include "base/memory.h"

int overrun(int bytes) {
    volatile char *buffer = buffer_new((size_t)bytes);
    char behind = buffer[bytes];
    buffer_free((char *)buffer);
    return behind;
}

int overrun_of_a_part(int bytes) {
    volatile char *buffer = buffer_new(1024);
    BUFFER_PART((char *)buffer, bytes, 1024 - BUFFER_GAP);
    char behind = buffer[bytes];
    buffer_free((char *)buffer);
    return behind;
}

int undefined(int shift) { return 1 << (shift + 40); }

int leak(int bytes) {
    void *volatile buffer = buffer_new((size_t)bytes);
    buffer = NULL;
    return buffer != NULL;
}

static int shared;
static void *add(void *argument) {
    for (int i = 0; i < 1000; i++) shared += *(int *)argument;
    return NULL;
}

int race(int number) {
    pthread_t other;
    if (pthread_create(&other, NULL, add, &number)) return -1;
    add(&number);
    pthread_join(other, NULL);
    return shared;
}
