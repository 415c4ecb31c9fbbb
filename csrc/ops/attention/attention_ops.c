/* Attention head by head, a block of queries and keys at a time: weights are in scratch
   alone, and made again in the adjoint. Dao, Fu, Ermon, Rudra and Re, "FlashAttention: fast
   and memory-efficient exact attention with IO-awareness", NeurIPS 2022. */
#ifndef REAL

#include "ops/attention/attention.h"
#include "ops/call.h"
#include "ops/product/multiply.h"
#include "ops/random/dropout.h"

static ptrdiff_t at_most(ptrdiff_t most, ptrdiff_t n) { return n < most ? n : most; }

/* The steps of a sample among those of all. */
typedef struct {
    ptrdiff_t first, count;
} steps_range_t;

/* most: where all samples have as many. */
static steps_range_t steps_range(const call_t *call, ptrdiff_t sample, ptrdiff_t most) {
    const steps_t *steps = steps_of(call);
    steps_range_t range = {sample * most, most};
    if (steps) {
        range.first = steps->starts[sample];
        range.count = steps->starts[sample + 1] - range.first;
    }
    return range;
}

/* Whether a block has a weight that may be above 0. */
static int sees(const weights_t *block) { return block->seen + block->queries > 1; }

#define BODY "ops/attention/attention_ops.c"
#include "base/each_real.h"

#else

/* Rows of one head, or of their gradients. */
typedef struct {
    REAL *first;
    ptrdiff_t lead;
} NAMED(rows);

/* One head of a sample. */
typedef struct {
    const attention_t *attention;
    steps_range_t queries, keys;
    ptrdiff_t number;
    uint64_t position; /* where its random bits begin */
    NAMED(rows) q, k, v, y, stats;
    const REAL *mask; /* of the sample's keys, or NULL */
} NAMED(head);

/* Columns of an input or an output, of rows of so many numbers, from a step on. */
static NAMED(rows) NAMED(rows_at)(const call_t *call, int32_t number, void *numbers,
                                  ptrdiff_t width, ptrdiff_t step, ptrdiff_t column) {
    ptrdiff_t lead = lead_of(call, number, width);
    NAMED(rows) rows = {numbers ? (REAL *)numbers + step * lead + column : NULL, lead};
    return rows;
}

/* A head of a sample whose queries, keys and values are inputs from number on, and whose
   results are a tensor y. */
static NAMED(head) NAMED(head_of)(const call_t *call, const attention_t *attention,
                                  ptrdiff_t sample, ptrdiff_t number, int from,
                                  int32_t y, void *results, const REAL *mask) {
    ptrdiff_t key_dim = attention->key_dim, value_dim = attention->value_dim;
    ptrdiff_t heads = attention->heads, size = attended_size(attention);
    const int32_t *input = call->op->input + from;
    void *const *rows = call->input + from;
    NAMED(head)
    head = {
        .attention = attention,
        .queries = steps_range(call, sample, attention->queries),
        .keys = steps_range(call, sample, attention->keys),
        .number = number,
        .position = (uint64_t)(call->walk->batch_row + sample) << 32,
    };
    ptrdiff_t query = head.queries.first, key = head.keys.first;
    head.q = NAMED(rows_at)(call, input[0], rows[0], heads * key_dim, query,
                            number * key_dim);
    head.k =
        NAMED(rows_at)(call, input[1], rows[1], heads * key_dim, key, number * key_dim);
    head.v = NAMED(rows_at)(call, input[2], rows[2], heads * value_dim, key,
                            number * value_dim);
    head.y = NAMED(rows_at)(call, y, results, size, query, number * value_dim);
    head.stats =
        NAMED(rows_at)(call, y, results, size, query, heads * value_dim + 2 * number);
    head.mask = mask ? mask + key : NULL;
    return head;
}

/* The weights of the head's queries from i on for its keys from j on. */
static weights_t NAMED(block_at)(const call_t *call, const NAMED(head) * head,
                                 ptrdiff_t i, ptrdiff_t j) {
    const attention_t *attention = head->attention;
    weights_t block = {
        .queries = at_most(attention->block_queries, head->queries.count - i),
        .keys = at_most(attention->block_keys, head->keys.count - j),
        .value_dim = attention->value_dim,
        .y_lead = head->y.lead,
        .scale = call->op->scalar[0],
    };
    block.seen = attention->causal ? i - j + 1 : block.keys;
    return block;
}

/* c = [c +] op(a) op(b), in the precision of REAL: blocks are too small for others. */
static void NAMED(times)(const call_t *call, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                         const REAL *a, ptrdiff_t a_lead, int a_transposed,
                         const REAL *b, ptrdiff_t b_lead, int b_transposed, int adds,
                         REAL *c, ptrdiff_t c_lead) {
    NAMED(multiply)(1, m, n, k, a, a_lead, 0, a_transposed, b, b_lead, 0, b_transposed,
                    (REAL)adds, c, c_lead, 0, 0, &call->walk->precision);
}

static void NAMED(score)(const call_t *call, const NAMED(head) * head,
                         const weights_t *block, ptrdiff_t i, ptrdiff_t j,
                         REAL *scores) {
    NAMED(times)(call, block->queries, block->keys, head->attention->key_dim,
                 head->q.first + i * head->q.lead, head->q.lead, 0,
                 head->k.first + j * head->k.lead, head->k.lead, 1, 0, scores,
                 block->keys);
}

/* Drops some weights of a block, or of what is their gradient, and scales the others. The
   random bits of a head's blocks of keys follow one another, query by query. */
static void NAMED(drop)(const call_t *call, const NAMED(head) * head,
                        const weights_t *block, ptrdiff_t i, ptrdiff_t j,
                        REAL *weights) {
    const double *option =
        call->op->scalar; /* factor of scores; rate, factor of weights */
    if (option[1] == 0) return;
    const attention_t *attention = head->attention;
    ptrdiff_t most = attention->block_keys;
    ptrdiff_t blocks = (head->keys.count + most - 1) / most;
    ptrdiff_t before = (head->number * blocks + j / most) * head->queries.count;
    uint64_t position = head->position +
                        (uint64_t)before * (uint64_t)dropout_blocks(most) +
                        (uint64_t)i * (uint64_t)dropout_blocks(block->keys);
    NAMED(dropout_loop)(block->queries, block->keys, weights, weights,
                        call->walk->mask_seed, stream_of(call), position,
                        chances_of(option[1]), (REAL)option[2], 0, 0);
}

static void NAMED(attend)(const call_t *call, const NAMED(head) * head, REAL *weights) {
    ptrdiff_t value_dim = head->attention->value_dim;
    for (ptrdiff_t i = 0; i < head->queries.count;
         i += head->attention->block_queries) {
        REAL *y = head->y.first + i * head->y.lead;
        REAL *stats = head->stats.first + i * head->stats.lead;
        weights_t block = {0};
        for (ptrdiff_t j = 0; j < head->keys.count; j += head->attention->block_keys) {
            block = NAMED(block_at)(call, head, i, j);
            if (!sees(&block)) break;
            NAMED(score)(call, head, &block, i, j, weights);
            NAMED(attention_weights)(&block, j == 0, head->mask ? head->mask + j : NULL,
                                     weights, stats, y);
            NAMED(drop)(call, head, &block, i, j, weights);
            NAMED(times)(call, block.queries, value_dim, block.keys, weights,
                         block.keys, 0, head->v.first + j * head->v.lead, head->v.lead,
                         0, j > 0, y, head->y.lead);
        }
        NAMED(attention_finish)(&block, stats, y);
    }
}

void NAMED(op_attention)(const call_t *call) {
    attention_t attention = attention_of(params_of(call));
    for (ptrdiff_t sample = 0; sample < call->walk->count; sample++)
        for (ptrdiff_t number = 0; number < attention.heads; number++) {
            NAMED(head)
            head =
                NAMED(head_of)(call, &attention, sample, number, 0, call->op->output[0],
                               call->output[0], (const REAL *)call->input[3]);
            NAMED(attend)(call, &head, (REAL *)call->output[1]);
        }
}

/* The gradients of a head's queries, keys and values, from that of its results; scratch
   has room for two blocks. */
static void NAMED(attend_back)(const call_t *call, const NAMED(head) * head,
                               NAMED(rows) dy, NAMED(rows) dq, NAMED(rows) dk,
                               NAMED(rows) dv, REAL *scratch) {
    const attention_t *attention = head->attention;
    ptrdiff_t key_dim = attention->key_dim, value_dim = attention->value_dim;
    REAL *weights = scratch;
    REAL *slopes = scratch + attention->block_queries * attention->block_keys;
    for (ptrdiff_t j = 0; j < head->keys.count; j += attention->block_keys) {
        const REAL *k = head->k.first + j * head->k.lead;
        const REAL *v = head->v.first + j * head->v.lead;
        const REAL *mask = head->mask ? head->mask + j : NULL;
        int adds = 0;
        for (ptrdiff_t i = 0; i < head->queries.count; i += attention->block_queries) {
            weights_t block = NAMED(block_at)(call, head, i, j);
            if (!sees(&block)) continue;
            ptrdiff_t m = block.queries, n = block.keys;
            const REAL *gradient = dy.first + i * dy.lead;
            NAMED(score)(call, head, &block, i, j, weights);
            NAMED(attention_again)(&block, mask, weights,
                                   head->stats.first + i * head->stats.lead);
            NAMED(times)(call, m, n, value_dim, gradient, dy.lead, 0, v, head->v.lead,
                         1, 0, slopes, n);
            NAMED(drop)(call, head, &block, i, j, slopes);
            NAMED(attention_slopes)(&block, weights, head->y.first + i * head->y.lead,
                                    gradient, dy.lead, slopes);
            NAMED(drop)(call, head, &block, i, j, weights);
            if (dv.first)
                NAMED(times)(call, n, value_dim, m, weights, n, 1, gradient, dy.lead, 0,
                             adds, dv.first + j * dv.lead, dv.lead);
            if (dk.first)
                NAMED(times)(call, n, key_dim, m, slopes, n, 1,
                             head->q.first + i * head->q.lead, head->q.lead, 0, adds,
                             dk.first + j * dk.lead, dk.lead);
            if (dq.first)
                NAMED(times)(call, m, key_dim, n, slopes, n, 0, k, head->k.lead, 0,
                             j > 0, dq.first + i * dq.lead, dq.lead);
            adds = 1;
        }
    }
}

void NAMED(op_attention_gradient)(const call_t *call) {
    attention_t attention = attention_of(params_of(call));
    const op_t *op = call->op;
    ptrdiff_t key_dim = attention.key_dim, value_dim = attention.value_dim;
    for (ptrdiff_t sample = 0; sample < call->walk->count; sample++)
        for (ptrdiff_t number = 0; number < attention.heads; number++) {
            NAMED(head)
            head = NAMED(head_of)(call, &attention, sample, number, 1, op->input[4],
                                  call->input[4], (const REAL *)call->input[5]);
            ptrdiff_t query = head.queries.first, key = head.keys.first;
            ptrdiff_t keys_width = attention.heads * key_dim;
            ptrdiff_t values_width = attention.heads * value_dim;
            NAMED(attend_back)(call, &head,
                               NAMED(rows_at)(call, op->input[0], call->input[0],
                                              values_width, query, number * value_dim),
                               NAMED(rows_at)(call, op->output[0], call->output[0],
                                              keys_width, query, number * key_dim),
                               NAMED(rows_at)(call, op->output[1], call->output[1],
                                              keys_width, key, number * key_dim),
                               NAMED(rows_at)(call, op->output[2], call->output[2],
                                              values_width, key, number * value_dim),
                               (REAL *)call->output[3]);
        }
}

#endif
