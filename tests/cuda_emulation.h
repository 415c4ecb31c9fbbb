/* What a GPU and NVRTC have, on the CPU, so that the CUDA kernels of csrc run in any C++
   compiler's programs: included before them. Correct rather than fast.

   Blocks run one after another. The threads of a block are fibers: each runs until it comes
   to a barrier of its block or of its warp, or ends, then the next one does. All that is
   forwards or, if emulation_reversed, backwards: results that depend on it are those of a
   race. A barrier that some threads of a block, or warp, come to and others do not is a
   mistake, and counted. */
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
enum state_t { READY, AT_WARP, AT_BLOCK, ENDED };

struct fiber_t {
    jmp_buf here;
    ucontext_t beginning;
    state_t state;
    char *stack;
};
inline fiber_t fibers[MOST_THREADS];
inline jmp_buf scheduler;
inline unsigned present;
/* What every thread of the kernel does. */
inline void (*body)(void *);
inline void *context;

inline void leave(state_t state) {
    fiber_t &fiber = fibers[present];
    fiber.state = state;
    if (!_setjmp(fiber.here)) _longjmp(scheduler, 1);
}

/* A fiber is made once, and runs one thread after another. */
inline void live() {
    for (;;) {
        body(context);
        leave(ENDED);
    }
}

inline void resume(unsigned number) {
    fiber_t &fiber = fibers[number];
    present = number;
    threadIdx = {number % blockDim.x, number / blockDim.x};
    if (_setjmp(scheduler)) return;
    if (fiber.stack) _longjmp(fiber.here, 1);
    fiber.stack = (char *)malloc(STACK_BYTES);
    getcontext(&fiber.beginning);
    fiber.beginning.uc_stack.ss_sp = fiber.stack;
    fiber.beginning.uc_stack.ss_size = STACK_BYTES;
    fiber.beginning.uc_link = nullptr;
    makecontext(&fiber.beginning, live, 0);
    setcontext(&fiber.beginning);
}

inline bool all_are(state_t state, unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++)
        if (fibers[i].state != state) return false;
    return true;
}

inline void release(unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++)
        if (fibers[i].state != ENDED) fibers[i].state = READY;
}

inline void run_block() {
    unsigned n = blockDim.x * blockDim.y;
    for (unsigned i = 0; i < n; i++) fibers[i].state = READY;
    for (;;) {
        for (unsigned i = 0; i < n; i++) {
            unsigned number = emulation_reversed ? n - 1 - i : i;
            if (fibers[number].state == READY) resume(number);
        }
        if (all_are(ENDED, 0, n)) return;
        bool waits = true;
        for (unsigned first = 0; first < n; first += WARP_THREADS) {
            unsigned end = first + WARP_THREADS < n ? first + WARP_THREADS : n;
            if (all_are(AT_WARP, first, end)) {
                release(first, end);
                waits = false;
            }
        }
        if (!waits) continue;
        /* Nobody is left who could come to where the others wait. */
        if (!all_are(AT_BLOCK, 0, n)) emulation_mistakes++;
        release(0, n);
    }
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

inline void __syncthreads() { emulation::leave(emulation::AT_BLOCK); }
inline void __syncwarp() { emulation::leave(emulation::AT_WARP); }

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
