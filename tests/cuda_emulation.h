/* What a GPU and NVRTC have, on the CPU, so that the CUDA kernels of csrc run in any C++
   compiler's programs: included before them. Correct rather than fast.

   Blocks run one after another. The threads of a block take turns: each runs until it comes
   to a barrier of its block or of its warp, or ends, then the next one does. All that is
   forwards or, if emulation_reversed, backwards: results that depend on it are those of a
   race. A barrier that some threads of a block, or warp, come to and others do not is a
   mistake, and counted.

   A thread that waits keeps a fiber, which is a stack of its own. One that ends leaves it to
   the next thread that has not begun. Most threads of a small launch have nothing to do but
   to meet the others, so that what takes time is to switch from one fiber to the next. */
#include <math.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <utility>

#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __shared__ static

struct index_t {
    unsigned x, y;
};
inline index_t threadIdx, blockIdx, blockDim, gridDim;

extern "C" {
inline int emulation_reversed = 0;
inline int emulation_mistakes = 0;
}

namespace emulation {

enum { MOST_THREADS = 1024, STACK_BYTES = 1 << 16 };
enum { WARP_THREADS = 32 };
/* Ready to run, at a barrier of its warp or of its block, or at its end. */
enum state_t : unsigned char { READY, AT_WARP, AT_BLOCK, ENDED };

/* Those of the compiler store three registers, where those of the C library store all. */
#ifdef __clang__
typedef jmp_buf place_t;
#define IS_LEFT(place) (!_setjmp(place))
#define GO_TO(place) _longjmp(place, 1)
#else
typedef void *place_t[5];
#define IS_LEFT(place) (!__builtin_setjmp(place))
#define GO_TO(place) __builtin_longjmp(place, 1)
#endif

struct fiber_t {
    place_t here;
    bool is_alive;
    ucontext_t beginning;
};
/* The caller's stack, the one that is in use, and those that no thread is on. */
inline fiber_t home = {{}, true, {}}, *fiber = &home, *unused[MOST_THREADS];
inline unsigned n_unused;

/* What each thread of the block does, and its fiber once it has begun. */
inline state_t states[MOST_THREADS];
inline fiber_t *fibers[MOST_THREADS];
inline unsigned n_threads, n_ended;
/* The thread that runs, and how many turns of this round are over. */
inline unsigned present, turns;
/* What every thread of the kernel does. */
inline void (*body)(void *);
inline void *context;

inline bool all_are(state_t state, unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++)
        if (states[i] != state) return false;
    return true;
}

inline void release(unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++)
        if (states[i] != ENDED) states[i] = READY;
}

/* Lets those go on who have met. */
inline void open_barriers() {
    bool waits = true;
    for (unsigned first = 0; first < n_threads; first += WARP_THREADS) {
        unsigned end =
            first + WARP_THREADS < n_threads ? first + WARP_THREADS : n_threads;
        if (all_are(AT_WARP, first, end)) {
            release(first, end);
            waits = false;
        }
    }
    if (!waits) return;
    /* Nobody is left who could come to where the others wait. */
    if (!all_are(AT_BLOCK, 0, n_threads)) emulation_mistakes++;
    release(0, n_threads);
}

/* Makes the next thread the present one; false if all have ended. */
inline bool next_turn() {
    if (n_ended == n_threads) return false;
    for (;; turns = 0, open_barriers()) {
        while (turns < n_threads) {
            unsigned number = emulation_reversed ? n_threads - 1 - turns : turns;
            turns++;
            if (states[number] != READY) continue;
            present = number;
            threadIdx = {number % blockDim.x, number / blockDim.x};
            return true;
        }
    }
}

__attribute__((noinline, noreturn)) inline void resume(fiber_t *next) {
    fiber = next;
    if (next->is_alive) GO_TO(next->here);
    next->is_alive = true;
    setcontext(&next->beginning);
    abort();
}

/* From one fiber to another, until somebody switches back. */
__attribute__((noinline)) inline void switch_to(fiber_t *next) {
    if (IS_LEFT(fiber->here)) resume(next);
}

/* A fiber is made once, and runs one thread after another. */
inline void live() {
    for (;;) {
        fibers[present] = fiber;
        body(context);
        states[present] = ENDED;
        n_ended++;
        bool goes_on = next_turn();
        if (goes_on && !fibers[present]) continue;
        unused[n_unused++] = fiber;
        switch_to(goes_on ? fibers[present] : &home);
    }
}

inline fiber_t *unused_fiber() {
    if (n_unused) return unused[--n_unused];
    fiber_t *made = (fiber_t *)calloc(1, sizeof(fiber_t));
    getcontext(&made->beginning);
    made->beginning.uc_stack.ss_sp = malloc(STACK_BYTES);
    made->beginning.uc_stack.ss_size = STACK_BYTES;
    makecontext(&made->beginning, live, 0);
    return made;
}

inline void wait_at(state_t barrier) {
    unsigned me = present;
    states[me] = barrier;
    next_turn();
    if (present != me) switch_to(fibers[present] ? fibers[present] : unused_fiber());
}

inline void run_block() {
    n_threads = blockDim.x * blockDim.y;
    n_ended = turns = 0;
    for (unsigned i = 0; i < n_threads; i++) {
        states[i] = READY;
        fibers[i] = nullptr;
    }
    next_turn();
    switch_to(unused_fiber());
}

template <typename... A> struct call_t {
    void (*kernel)(A...);
    void **arguments;
    template <size_t... I> void with(std::index_sequence<I...>) {
        kernel(*(A *)arguments[I]...);
    }
};

template <typename... A>
void launch(void (*kernel)(A...), const int *grid, const int *block, void **arguments) {
    call_t<A...> call = {kernel, arguments};
    context = &call;
    body = [](void *given) {
        ((call_t<A...> *)given)->with(std::index_sequence_for<A...>());
    };
    gridDim = {(unsigned)grid[0], 1};
    blockDim = {(unsigned)block[0], (unsigned)block[1]};
    for (unsigned i = 0; i < gridDim.x; i++) {
        blockIdx = {emulation_reversed ? gridDim.x - 1 - i : i, 0};
        run_block();
    }
}

} // namespace emulation

inline void __syncthreads() { emulation::wait_at(emulation::AT_BLOCK); }
inline void __syncwarp() { emulation::wait_at(emulation::AT_WARP); }

/* What the thread of the warp has whose number differs in these bits. */
template <typename T> T __shfl_xor_sync(unsigned, T mine, unsigned bits) {
    static T of[emulation::MOST_THREADS];
    unsigned me = threadIdx.x + blockDim.x * threadIdx.y;
    of[me] = mine;
    __syncwarp();
    T other = of[me ^ bits];
    __syncwarp();
    return other;
}

#define KERNEL(name, ...) KERNEL_NAMED(name, __VA_ARGS__)
#define KERNEL_NAMED(name, ...)                                                 \
    static void name##_thread(__VA_ARGS__);                                     \
    extern "C" void name(const int *grid, const int *block, void **arguments) { \
        emulation::launch(name##_thread, grid, block, arguments);               \
    }                                                                           \
    static void name##_thread(__VA_ARGS__)
