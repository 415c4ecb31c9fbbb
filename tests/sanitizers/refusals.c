/* What builds with FASTNN_SANITIZE ask, see csrc/base/memory.h: loaded before all else, because each
   compiled module has a memory.c of its own, and all of them count here. */
static int countdown; /* requests until one is refused; 0: none will be */
static int n_refused, n_asked, n_buffers;

#define NEXT(number, change) __atomic_add_fetch(&(number), change, __ATOMIC_SEQ_CST)

int fastnn_refuse(void) {
    NEXT(n_asked, 1);
    if (__atomic_load_n(&countdown, __ATOMIC_SEQ_CST) <= 0 || NEXT(countdown, -1))
        return 0;
    NEXT(n_refused, 1);
    return 1;
}

void fastnn_count(int change) { NEXT(n_buffers, change); }

/* What the tests ask. */
void refuse(int number) {
    __atomic_store_n(&n_refused, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&n_asked, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&countdown, number, __ATOMIC_SEQ_CST);
}
int refused(void) { return __atomic_load_n(&n_refused, __ATOMIC_SEQ_CST); }
int asked(void) { return __atomic_load_n(&n_asked, __ATOMIC_SEQ_CST); }
int buffers(void) { return __atomic_load_n(&n_buffers, __ATOMIC_SEQ_CST); }

/* The same for the numbers of NumPy's arrays: PyDataMem_Handler, as ndarraytypes.h has it
   (NEP 49). */
#include <stdlib.h>

static void *new_numbers(void *context, size_t bytes) {
    (void)context;
    return fastnn_refuse() ? NULL : malloc(bytes);
}
static void *zero_numbers(void *context, size_t count, size_t size) {
    (void)context;
    return fastnn_refuse() ? NULL : calloc(count, size);
}
static void *more_numbers(void *context, void *numbers, size_t bytes) {
    (void)context;
    return fastnn_refuse() ? NULL : realloc(numbers, bytes);
}
static void free_numbers(void *context, void *numbers, size_t bytes) {
    (void)context;
    (void)bytes;
    free(numbers);
}

struct {
    char name[127];
    unsigned char version;
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *, size_t);
} numpy_handler = {"refusals",   1,           NULL, new_numbers, zero_numbers,
                   more_numbers, free_numbers};
