/* A training step of a small network in two launches. In the first, each block of threads
   owns a few rows of the mini-batch and does all calls of a walk for them, one after
   another: the kernels of the other files, here functions, which have all their rows in a
   single share. In the second, what is summed over the rows of all blocks is shared out:
   gradients of parameters, and losses. */
#ifndef REAL
#define SHARED_KERNEL(name, ...) HOST_DEVICE void name(share_t share, __VA_ARGS__)
#define SHARE share.number
#define SHARES share.count

#include "cuda/device.h"

typedef struct {
    ptrdiff_t number, count;
} share_t;

#include "cuda/broadcast.cu"
#include "cuda/gather.cu"
#include "cuda/loss.cu"
#include "cuda/prelu.cu"
#include "cuda/random.cu"
#include "cuda/row_loss.cu"
#include "cuda/row_norm.cu"
#include "cuda/row_product.h"

#include "calls.h"

/* Calls whose arguments are in a block's memory at once. */
enum { CALLS_AT_ONCE = 32 };

typedef struct {
    int64_t name[CALLS_AT_ONCE], arguments[CALLS_AT_ONCE][MAX_ARGUMENTS];
} calls_t;

/* What some calls are given in this block of rows. All threads come here. */
HOST_DEVICE int read_calls(calls_t *here, const call_t *calls, ptrdiff_t n_calls,
                           ptrdiff_t block, ptrdiff_t lacking) {
    int n = n_calls < CALLS_AT_ONCE ? (int)n_calls : CALLS_AT_ONCE;
    __syncthreads(); /* the last ones are done */
    for (int i = THREAD; i < n * MAX_ARGUMENTS; i += THREADS) {
        const call_t *call = calls + i / MAX_ARGUMENTS;
        int j = i % MAX_ARGUMENTS;
        here->arguments[i / MAX_ARGUMENTS][j] =
            call->base[j] + block * call->per_block[j] - lacking * call->per_row[j];
        if (j == 0) here->name[i / MAX_ARGUMENTS] = call->name;
    }
    __syncthreads();
    return n;
}

/* The numbers 0, ..., N - 1 as a type, to name arguments by. */
template <int... I> struct places_t {};
template <int N, int... I> struct first_places : first_places<N - 1, N - 1, I...> {};
template <int... I> struct first_places<0, I...> {
    typedef places_t<I...> type;
};

/* An argument from its slot. Of a pointer the compiler is told that it leads to the
   device's memory: then it loads from there past what is stored in the block's. */
template <typename T> struct argument_t {
    HOST_DEVICE T in(const int64_t *slot) { return *(const T *)slot; }
};
template <typename T> struct argument_t<T *> {
#ifdef __CUDA_ARCH__
    HOST_DEVICE T *in(const int64_t *slot) {
        return (T *)__cvta_global_to_generic((size_t)*slot);
    }
#else
    HOST_DEVICE T *in(const int64_t *slot) { return (T *)*slot; }
#endif
};

template <auto FUNCTION, typename... A, int... I>
HOST_DEVICE void call_with(void (*)(share_t, A...), places_t<I...>, share_t share,
                           const int64_t *arguments) {
    FUNCTION(share, argument_t<A>::in(arguments + I)...);
}

/* Calls a function with as many arguments as it has. */
template <auto FUNCTION, typename... A>
HOST_DEVICE void call(void (*function)(share_t, A...), share_t share,
                      const int64_t *arguments) {
    static_assert(sizeof...(A) <= MAX_ARGUMENTS, "more arguments than a record has");
    call_with<FUNCTION>(function, typename first_places<sizeof...(A)>::type(), share,
                        arguments);
}
#define CASE(name, function)                        \
    case CALL_##name:                               \
        call<function>(function, share, arguments); \
        break;

#define BODY "cuda/row_blocks.h"
#include "each_real.h"
#else

/* c (m x n) = a (m x k) @ op(b), for as few rows as a block has. */
HOST_DEVICE void NAMED(product_of_rows)(share_t share, ptrdiff_t m, ptrdiff_t n,
                                        ptrdiff_t k, const REAL *a, ptrdiff_t a_lead,
                                        const REAL *b, ptrdiff_t b_lead,
                                        ptrdiff_t transposed, REAL *c,
                                        ptrdiff_t c_lead) {
    alignas(STRIP_BYTES)
        __shared__ REAL memory[MAX_THREADS * PRODUCT_ROWS * product_t<REAL>::N];
    (void)share;
    if (transposed) {
        if (is_whole(b, b_lead, k))
            product_by_rows<true>(memory, m, n, k, a, a_lead, b, b_lead, c, c_lead);
        else
            product_by_rows<false>(memory, m, n, k, a, a_lead, b, b_lead, c, c_lead);
    } else {
        if (is_whole(b, b_lead, n))
            product_by_columns<true>(memory, m, n, k, a, a_lead, b, b_lead, c, c_lead);
        else
            product_by_columns<false>(memory, m, n, k, a, a_lead, b, b_lead, c, c_lead);
    }
}

/* c (m x n) = [c +] a' @ b, for a (k x m) and b (k x n), in tiles of so many threads. */
HOST_DEVICE void NAMED(product_over_rows)(share_t share, ptrdiff_t m, ptrdiff_t n,
                                          ptrdiff_t k, const REAL *a, ptrdiff_t a_lead,
                                          const REAL *b, ptrdiff_t b_lead,
                                          ptrdiff_t down, ptrdiff_t across,
                                          ptrdiff_t accumulate, REAL *c,
                                          ptrdiff_t c_lead) {
    alignas(STRIP_BYTES)
        __shared__ REAL memory[MAX_THREADS * PRODUCT_ROWS * product_t<REAL>::N];
    if (is_whole(a, a_lead, m) && is_whole(b, b_lead, n))
        product_by_tiles<true>(memory, share.number, share.count, m, n, k, a, a_lead, b,
                               b_lead, accumulate, c, c_lead, (int)down, (int)across);
    else
        product_by_tiles<false>(memory, share.number, share.count, m, n, k, a, a_lead,
                                b, b_lead, accumulate, c, c_lead, (int)down,
                                (int)across);
}

/* The last block lacks so many rows. */
KERNEL(NAMED(row_blocks), ptrdiff_t n_calls, const call_t *calls, ptrdiff_t lacking) {
    __shared__ calls_t here;
    ptrdiff_t lacks = blockIdx.x + 1 == gridDim.x ? lacking : 0;
    share_t share = {0, 1};
    for (ptrdiff_t first = 0; first < n_calls; first += CALLS_AT_ONCE) {
        int n = read_calls(&here, calls + first, n_calls - first, blockIdx.x, lacks);
        for (int i = 0; i < n; i++) {
            const int64_t *arguments = here.arguments[i];
            if (i) __syncthreads(); /* what it reads is written */
            switch (here.name[i]) {
#define ROW(name) CASE(name, NAMED(name))
                ROW_CALL_TABLE(ROW)
#undef ROW
#define ROW(name, ...) \
    CASE(add_##name, NAMED(add_##name)) CASE(slope_##name, NAMED(slope_##name))
                ACTIVATION_TABLE(ROW)
#undef ROW
#define ROW(name, ...) CASE(loss_##name, NAMED(loss_##name))
                LOSS_TABLE(ROW)
                ROW_LOSS_TABLE(ROW)
#undef ROW
            }
        }
    }
}

/* Each block of threads has a task of its own. */
KERNEL(NAMED(sums_over_rows), const task_t *tasks, const call_t *calls) {
    __shared__ calls_t here;
    task_t task = tasks[blockIdx.x];
    share_t share = {task.share, task.shares};
    calls += task.first_call;
    for (ptrdiff_t first = 0; first < task.n_calls; first += CALLS_AT_ONCE) {
        int n = read_calls(&here, calls + first, task.n_calls - first, 0, 0);
        for (int i = 0; i < n; i++) {
            const int64_t *arguments = here.arguments[i];
            if (i) __syncthreads(); /* what it reads is written */
            switch (here.name[i]) {
                CASE(product_over_rows, NAMED(product_over_rows))
                CASE(row_norm_sums, NAMED(row_norm_sums))
                CASE(reduce, NAMED(reduce))
                CASE(prelu_slope_gradient, NAMED(prelu_slope_gradient))
                CASE(finish_loss, NAMED(finish_loss))
            }
        }
    }
}

#endif
