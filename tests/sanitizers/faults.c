/* What each sanitizer must find: without them, nobody would notice that it is not at work.
   Compiled like the core, and with its room.c. */
#include <pthread.h>
#include <string.h>

#include "base/room.h"

int overrun(int bytes) {
    volatile char *room = room_new((size_t)bytes);
    char behind = room[bytes];
    room_free((char *)room);
    return behind;
}

int overrun_of_a_part(int bytes) {
    volatile char *room = room_new(1024);
    ROOM_PART((char *)room, bytes, 1024 - ROOM_GAP);
    char behind = room[bytes];
    room_free((char *)room);
    return behind;
}

int undefined(int shift) { return 1 << (shift + 40); }

int leak(int bytes) {
    void *volatile room = room_new((size_t)bytes);
    room = NULL;
    return room != NULL;
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
