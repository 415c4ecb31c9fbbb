#define _DEFAULT_SOURCE /* madvise */
#include "base/room.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(FASTNN_SANITIZE)

/* Of the library that tests load before all else: whether to refuse the next request, and
   a room that begins or ends. */
__attribute__((weak)) int fastnn_refuse(void);
__attribute__((weak)) void fastnn_count(int change);

int room_refused(void) { return fastnn_refuse && fastnn_refuse(); }

static void *room_filled(size_t bytes, int byte) {
    void *room;
    if (room_refused() || posix_memalign(&room, 64, bytes)) return NULL;
    memset(room, byte, bytes);
    if (fastnn_count) fastnn_count(1);
    return room;
}

void *room_zeros(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return NULL;
    return room_filled(count * size, 0);
}

void *room_new(size_t bytes) { return room_filled(bytes, 0xff); }

void room_free(void *room) {
    if (room && fastnn_count) fastnn_count(-1);
    free(room);
}

int room_group(int count, const size_t *bytes, void **rooms) {
    for (int i = 0; i < count; i++) {
        rooms[i] = room_new(bytes[i]);
        if (!rooms[i]) {
            room_free_group(i, rooms);
            return 0;
        }
    }
    return 1;
}

void room_free_group(int count, void **rooms) {
    for (int i = 0; i < count; i++) {
        room_free(rooms[i]);
        rooms[i] = NULL;
    }
}

#else

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(MADV_HUGEPAGE)

/* Pages of 2 MB, which many systems keep for those who ask: each takes one place in the
   tables of the processor. */
static void ask_for_large_pages(void *room, size_t bytes) {
    enum { PAGE = 4096, WORTH_IT = 4 << 20 };
    uintptr_t start = ((uintptr_t)room + PAGE - 1) / PAGE * PAGE;
    if (bytes >= WORTH_IT)
        madvise((void *)start, bytes - (start - (uintptr_t)room), MADV_HUGEPAGE);
}
#else
#define ask_for_large_pages(room, bytes) ((void)0)
#endif

enum { LINE = 64 };

/* The next cache line; what the allocator gave is noted before it. */
static void *on_a_line(void *given) {
    if (!given) return NULL;
    void **room = (void **)(((uintptr_t)given + LINE) / LINE * LINE);
    room[-1] = given;
    return room;
}

void *room_zeros(size_t count, size_t size) {
    if (size && count > (SIZE_MAX - LINE) / size) return NULL;
    void *room = on_a_line(calloc(1, count * size + LINE));
    if (room) ask_for_large_pages(room, count * size);
    return room;
}

void *room_new(size_t bytes) {
    return bytes > SIZE_MAX - LINE ? NULL : on_a_line(malloc(bytes + LINE));
}

void room_free(void *room) {
    if (room) free(((void **)room)[-1]);
}

int room_group(int count, const size_t *bytes, void **rooms) {
    size_t total = 0, most = SIZE_MAX - 2 * LINE;
    for (int i = 0; i < count; i++) {
        if (total > most || bytes[i] > most - total) return 0;
        total += (bytes[i] + LINE - 1) / LINE * LINE;
    }
    char *room = room_new(total);
    if (!room) return 0;
    for (int i = 0; i < count; i++) {
        rooms[i] = room;
        room += (bytes[i] + LINE - 1) / LINE * LINE;
    }
    return 1;
}

void room_free_group(int count, void **rooms) {
    if (count) room_free(rooms[0]);
}

#endif
