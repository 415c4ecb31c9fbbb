#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(FASTNN_SANITIZE)

/* Of the library that tests load before all else: whether to refuse the next request, and
   a buffer that begins or ends. */
__attribute__((weak)) int fastnn_refuse(void);
__attribute__((weak)) void fastnn_count(int change);

int request_refused(void) { return fastnn_refuse && fastnn_refuse(); }

static void *buffer_filled(size_t bytes, int byte) {
    void *buffer;
    if (request_refused() || posix_memalign(&buffer, 64, bytes)) return NULL;
    memset(buffer, byte, bytes);
    if (fastnn_count) fastnn_count(1);
    return buffer;
}

void *buffer_zeros(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return NULL;
    return buffer_filled(count * size, 0);
}

void *buffer_new(size_t bytes) { return buffer_filled(bytes, 0xff); }

void buffer_free(void *buffer) {
    if (buffer && fastnn_count) fastnn_count(-1);
    free(buffer);
}

int buffer_group(int count, const size_t *bytes, void **buffers) {
    for (int i = 0; i < count; i++) {
        buffers[i] = buffer_new(bytes[i]);
        if (!buffers[i]) {
            buffer_free_group(i, buffers);
            return 0;
        }
    }
    return 1;
}

void buffer_free_group(int count, void **buffers) {
    for (int i = 0; i < count; i++) {
        buffer_free(buffers[i]);
        buffers[i] = NULL;
    }
}

#else

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(MADV_HUGEPAGE)

/* Pages of 2 MB, which many systems keep for those who ask: each takes one place in the
   tables of the processor. */
static void ask_for_large_pages(void *buffer, size_t bytes) {
    enum { PAGE = 4096, WORTH_IT = 4 << 20 };
    uintptr_t start = ((uintptr_t)buffer + PAGE - 1) / PAGE * PAGE;
    if (bytes >= WORTH_IT)
        madvise((void *)start, bytes - (start - (uintptr_t)buffer), MADV_HUGEPAGE);
}
#else
#define ask_for_large_pages(buffer, bytes) ((void)0)
#endif

enum { LINE = 64 };

/* The next cache line; what the allocator gave is noted before it. */
static void *on_a_line(void *given) {
    if (!given) return NULL;
    void **buffer = (void **)(((uintptr_t)given + LINE) / LINE * LINE);
    buffer[-1] = given;
    return buffer;
}

void *buffer_zeros(size_t count, size_t size) {
    if (size && count > (SIZE_MAX - LINE) / size) return NULL;
    void *buffer = on_a_line(calloc(1, count * size + LINE));
    if (buffer) ask_for_large_pages(buffer, count * size);
    return buffer;
}

void *buffer_new(size_t bytes) {
    return bytes > SIZE_MAX - LINE ? NULL : on_a_line(malloc(bytes + LINE));
}

void buffer_free(void *buffer) {
    if (buffer) free(((void **)buffer)[-1]);
}

int buffer_group(int count, const size_t *bytes, void **buffers) {
    size_t total = 0, most = SIZE_MAX - 2 * LINE;
    for (int i = 0; i < count; i++) {
        if (total > most || bytes[i] > most - total) return 0;
        total += (bytes[i] + LINE - 1) / LINE * LINE;
    }
    char *buffer = buffer_new(total);
    if (!buffer) return 0;
    for (int i = 0; i < count; i++) {
        buffers[i] = buffer;
        buffer += (bytes[i] + LINE - 1) / LINE * LINE;
    }
    return 1;
}

void buffer_free_group(int count, void **buffers) {
    if (count) buffer_free(buffers[0]);
}

#endif
