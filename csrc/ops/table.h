/* All kinds of ops. A row is all there is to know of a kind:

   OP(NAME, name, where, flags, cost)

   where: how the CPU runs it. IN_C: op_name_f32 and op_name_f64 of its family's folder;
   IN_CYTHON: put into the table by fastnn/engine/cpu/executor.pyx; MEETING: once for all
   shares, by meet_name_f32 and meet_name_f64; IN_PYTHON: once for all shares, by a
   function of Python's.
   flags: what whoever plans must know, see below.
   cost: multiplications of a large product that take as long as one number of what its
   dim spans. Threads are chosen by it, so that it must tell little from much and need
   not be exact.

   Enum, names, flags, costs, and the tables of functions are made of these rows.

   Rows of the last axis of a tensor lie side by side or, of a view (plan.h), apart. A
   kind with READS_VIEWS takes views for all that it reads and writes, by the leads of the
   tensors; all others get tensors that are none.

   Where rows are sequences, an op works on the steps of all of them as it does on rows
   elsewhere. A kind with CROSSES looks across the steps of each row instead, by where
   they begin (steps_of in ops/call.h): what its dim spans are rows of the batch.

   PRODUCT: output0 = [output0 +] op(input0) @ op(input1), count times. input0 may be
   sparse when it is the input. dim: count, m, n, k. stride: of input0, input1 and output0
   over count.

   ADD: output0 = activation(input0 + broadcast(input1)); input1 may be absent. dim: the
   shape of output0, equal axes joined, right-aligned. stride: input1's, 0 where it is
   broadcast. scalar: the activation's own option. Where one of them is a view the last
   axis is an axis by itself.
   ADD_GRADIENT: its adjoint. input0: gradient of its output; input1: what the slope is
   read from. output0 = input0 * slope(input1); output1 = [output1 +] the sum of output0
   over the broadcast axes. Either output may be absent.

   COPY: output0 = [output0 +] input0, or zeros where that is absent. dim[2], dim[3]: rows
   and columns.

   SOFTMAX: output0 = softmax of each row of input0, over dim[3] columns from stride[0]
   on. dim[2]: rows; lead[0]: columns of a whole row.
   SOFTMAX_GRADIENT: its adjoint over whole rows. input0: gradient of its output; input1:
   its output.

   LOSS: adds the loss of the raw outputs input0 against the target input1 to the plan's
   loss of this number; output0 = its gradient with respect to input0, if it is asked for.
   dim[2], dim[3]: rows, and columns from stride[0] on; stride[1]: the first column of the
   target. lead[0], lead[1]: columns of a whole row of input0 (and output0) and of the
   target. scalar: the weight of what is minimised, the factor from that to the number that
   is reported, and the loss' own options.
   CUSTOM_LOSS: the same by a function of Python's, whose number is the code. dim[3],
   lead[0]: numbers of a sample's outputs, and of its target. scalar: the weight.

   DROPOUT: output0 = scale input0 + shift, or value where it is dropped at random. Its
   own adjoint, without shift and value: what is dropped is a function of the step's seed,
   the op's code, the row and the column. dim[2], dim[3]: rows and columns. scalar: rate,
   scale, shift, value.
   GAUSSIAN_NOISE: output0 = input0 + scalar[0] z, where z is normal with variance 1, and
   a function of what dropout is one of. dim[2], dim[3]: rows and columns. Its adjoint is
   the identity.

   What augmentations draw for a sample is a function of the same, but for the column.
   Their integers and options are described in ops/augment. dim[2], dim[3]: samples, and
   numbers of one, as they are written.
   WARP: output0 = input0 under an affine map of its places. scalar: ranges of what the
   map is drawn from.
   WARP_GRADIENT: its adjoint: output0 from input0, the gradient of its output.
   CONTRAST: output0 = input0 drawn away from the mean of its channel, by a factor from
   scalar[0] to scalar[1], not below scalar[2] or above scalar[3].
   CONTRAST_GRADIENT: its adjoint. output0 from input0, the gradient of its output, and
   its input input1.
   ERASE: output0 = input0 but for a rectangle, whose sides are shares of the whole ones,
   the roots of numbers from scalar[0] to scalar[1]. What stands there is noise from
   scalar[2] to scalar[3], or, where these are one, that number. Its own adjoint with 0
   in the place of both.

   CUSTOM_AUGMENT: output0 = what a function of Python's, whose number is the code, makes
   of the mini-batch input0. Nothing comes back through it. params: the number of its
   draws, how many axes a sample has, and these.

   PRELU: output0 = input0 where it is positive, input1 * input0 elsewhere, with the slope
   input1 broadcast. dim, stride: as of ADD.
   PRELU_GRADIENT: its adjoint. input0: gradient of its output; input1, input2: its
   inputs. output0: the gradient of input1, output1 = [output1 +] that of the slope.
   Either may be absent.

   ROW_NORM: output0 = input1 h + input2 with h = input0, each row by itself, less its
   mean (code: LAYER_NORM) and over its standard deviation, or (RMS_NORM) over the root of
   its mean square; scalar[0] is added to its square before. dim[2], dim[3]: rows and
   columns. input1, input2: a row each, or absent. output1: what the adjoint needs to know
   of each row.
   ROW_NORM_GRADIENT: its adjoint. input0: gradient of its output; input1, input2: its
   first two inputs; input3: its output1. output0: the gradient of input1; output1,
   output2 = [output1, output2 +] those of scale and offset. Each may be absent.

   REDUCE: output0 = the mean, sum or maximum (the code) of input0 over some axes of a
   sample, of what the mask input1, if there is one, lets pass. output1, absent for sums:
   one over how many numbers the mean was taken of, or are the largest; 0, and a result
   of 0, of none. params: see ops/reduce/reduce_ops.c. dim[2], dim[3]: samples, and
   numbers of one.
   REDUCE_GRADIENT: its adjoint. output0 from the gradient input0 of its output; input1,
   input2: its input and its output, for maxima; input3: its output1; input4: the mask.
   REDUCE_STEPS: output0 = the same over the steps of each sequence of input0, of those
   that the mask input1, if there is one, lets pass. output1, of maxima only: one over how
   many are the largest. dim[2], dim[3]: samples, and numbers of a step.
   REDUCE_STEPS_GRADIENT: its adjoint, as REDUCE_GRADIENT is that of REDUCE.

   POOL: output0 = the mean, sum or maximum (the code) of each window over the places of
   input0, channel by channel. output1, of maxima only and absent where there is no
   backward pass: integers of the width of a number, which place of its window each is
   from. params: see ops/pool/pool.h. dim[2], dim[3]: samples, and numbers of one.
   POOL_GRADIENT: its adjoint. output0 from the gradient input0 of its output, and input1,
   of maxima: its output1. dim as of POOL.

   MOVE: output0 = the numbers of input0 at other places of their sample, or zeros. params:
   see ops/move/move.h. dim[2], dim[3]: samples, and numbers of one of output0. Its adjoint
   is the same, with other integers.

   MERGE: output0 = the sum, product or maximum (the code) of input0 and input1, each of
   them broadcast along the other. params: see ops/merge/merge_ops.c. dim[2], dim[3]:
   samples, and numbers of one.
   MERGE_GRADIENT: its adjoint. input0: gradient of its output; input1, input2: its
   inputs, absent for sums. output0, output1 = [output0, output1 +] the gradients of
   these, summed over the broadcast axes. Either may be absent.
   SCALE: output0 = scalar[0] input0 + scalar[1]. Its own adjoint, without scalar[1].
   dim[2], dim[3]: rows and columns.

   CONV: output0 = the sums over the windows of each image input0, times the kernel input1
   of shape (rows, columns, channels of a group, filters). params: conv_of in
   ops/conv/conv.h. output1: scratch. dim: 1, windows of all images, filters, and numbers
   of a window in a group.
   CONV_TRANSPOSED: its adjoint with respect to the image. output0 = the gradient of that,
   from the gradient input0 of CONV's output. input1, output1, dim: as there.
   CONV_KERNEL_GRADIENT: the other adjoint. output0 = [output0 +] the gradient of the
   kernel, from the images input0 and the gradient input1 of CONV's output. output1, dim:
   as there.

   EMBEDDING: output0 = the row of the table input1 for each token of input0. dim[2],
   dim[3]: tokens, and numbers in a row.
   EMBEDDING_GRADIENT: its adjoint where the gradient of the table is dense. output0 =
   [output0 +] the sums of the rows input1 over the tokens input0.

   RECURRENT: output1 = the states of a recurrent layer (the code: ops/recurrent/recurrent.h)
   over the steps of each sample, from the input input0 with its kernel input1, the
   recurrent kernel input2, the bias input3, the mask input4 of the steps and the factors
   input5 of each sample's state; the last three may be absent. output0: the gates;
   output2: what else the backward pass reads of a step; both absent where there is none.
   output3: scratch. params: see ops/recurrent/recurrent_ops.c. scalar: the activations'
   own options. dim: 1, steps of all samples, numbers of all gates, and units and features.
   RECURRENT_GRADIENT: its adjoint. output0 = the gradient of what the gates are activations
   of, from the gates input0, the gradient input1 of its output1, its output2 input2, the
   recurrent kernel input3, the mask input4 and the factors input5. output1, of a GRU that
   resets after the product: the gradient of that. output3, params, scalar: as there.
   RECURRENT_WEIGHTS: output0, output1, output2 = [themselves +] the gradients of the input's
   kernel, the recurrent kernel and the bias, from output0 of RECURRENT_GRADIENT, input0,
   RECURRENT's output2 input1, output1 of the former input2, the factors input3 and the
   input input4. output3, params: as there.
   SCALE_STEPS: output0 = each step of input0 times the factors input1 of its sample. Its
   own adjoint. params: steps of a sample. dim[2], dim[3]: samples, and numbers of one, or
   of a step where samples are sequences; lead[0]: numbers of a step.

   ATTENTION: of each sample and head softmax(scalar[0] q k^T) v, where a weight is
   dropped at the rate scalar[1], and else multiplied by scalar[2]. input0, input1,
   input2: the rows q, k and v of all heads side by side. input3: a number for each key,
   which is not seen where that is 0; or absent. Queries that see no key get zeros.
   output0: the values of all heads, and what the adjoint needs of each (ops/attention/
   attention.h, as is what params say). output1: scratch. dim: 1, queries of all samples,
   keys of one, and numbers of a key and a value of all heads. Where lengths differ it is
   a query of each sample, and some keys.
   ATTENTION_GRADIENT: its adjoint. input0: the gradient of the values; input1, input2,
   input3: its inputs; input4: its output0; input5: the mask. output0, output1, output2:
   the gradients of q, k and v, each of which may be absent. output3: scratch.

   TOKEN_MASK: output0 = 1 for each token of input0 that is not 0, and 0 for the others.
   dim[2], dim[3]: samples, and tokens of one.
   VALUE_MASK: output0 = 1 for each row of input0 with a number other than scalar[0], and
   0 for the others. dim[2], dim[3]: rows and columns.
   MASKED: output0 = input0, and 0 in rows for which the mask input1 is 0, whatever input0
   is there. Its own adjoint. dim[2], dim[3]: rows and columns.

   POSITIONS: output0 = input0 and, for each step, the row of the table input1 that its
   place within its sample is the number of. params: ops/positions/positions_ops.c.
   dim[2], dim[3]: samples, and numbers of one, or of one step.
   POSITIONS_GRADIENT: its adjoint. output0 = [output0 +] the sums of the gradient input0
   over the samples. params, dim: as there.

   Batch normalisation, over dim[2] rows of dim[3] columns; its tables of numbers for each
   column are in ops/batch_norm/batch_norm.h.
   BATCH_MOMENTS: output0: mean and sum of squared deviations of each column of input0.
   BATCH_STATISTICS: output0: the table of the whole batch, from each share's moments
   input0, the scale input2 and the offset input3, either of which may be absent. output1
   and output2 = [(1 - momentum) times themselves +] momentum times the mean and the
   unbiased variance; of a single row, which has none, the running variance input1.
   scalar: epsilon, momentum.
   RUNNING_STATISTICS: output0: the table from a running mean input0 and variance input1,
   scale input2 and offset input3; all but the variance may be absent. scalar: epsilon.
   BATCH_NORM: output0 = input0 normalised by the table input1.
   BATCH_NORM_SUMS: the sums over the rows of the gradient input0, in output0, and of its
   products with the normalised input1, in output1. input2: the table.
   BATCH_CORRECTION: output0: what the adjoint corrects by, from these two sums of each
   share, input0 and input1, and the table input2.
   BATCH_NORM_GRADIENT: output0: the gradient of BATCH_NORM's input, from that of its
   output input0, its input input1, the table input2 and the correction input3. */
#ifndef FASTNN_OPS_TABLE_H
#define FASTNN_OPS_TABLE_H

enum op_flag {
    IN_PLACE = 1,     /* output0 may lie over input0, where that is needed no longer */
    RANDOM = 2,       /* what it computes depends on the step's random numbers */
    READS_SPARSE = 4, /* input0 may be sparse rows of the input */
    WHOLE_BATCH = 8,  /* done once for all shares of a step, when all have come to it */
    READS_VIEWS = 16, /* all that it reads and writes may be columns of other tensors */
    READS_TOKENS = 32, /* input0 is tokens, integers */
    CROSSES = 64       /* looks across the steps of each row, where there are some */
};

#define OP_TABLE(OP)                                                           \
    OP(PRODUCT, product, IN_C, READS_SPARSE | READS_VIEWS, 1)                  \
    OP(ADD, add, IN_CYTHON, IN_PLACE | READS_VIEWS, 8)                         \
    OP(ADD_GRADIENT, add_gradient, IN_CYTHON, IN_PLACE | READS_VIEWS, 10)      \
    OP(COPY, copy, IN_C, READS_VIEWS, 4)                                       \
    OP(SOFTMAX, softmax, IN_C, IN_PLACE | READS_VIEWS, 12)                     \
    OP(SOFTMAX_GRADIENT, softmax_gradient, IN_C, IN_PLACE | READS_VIEWS, 12)   \
    OP(LOSS, loss, IN_C, IN_PLACE | READS_VIEWS, 16)                           \
    OP(DROPOUT, dropout, IN_C, IN_PLACE | RANDOM, 14)                          \
    OP(GAUSSIAN_NOISE, gaussian_noise, IN_C, IN_PLACE | RANDOM, 24)            \
    OP(WARP, warp, IN_C, RANDOM, 40)                                           \
    OP(WARP_GRADIENT, warp_gradient, IN_C, RANDOM, 40)                         \
    OP(CONTRAST, contrast, IN_C, IN_PLACE | RANDOM, 8)                         \
    OP(CONTRAST_GRADIENT, contrast_gradient, IN_C, IN_PLACE | RANDOM, 14)      \
    OP(ERASE, erase, IN_C, IN_PLACE | RANDOM, 8)                               \
    OP(PRELU, prelu, IN_C, IN_PLACE, 8)                                        \
    OP(PRELU_GRADIENT, prelu_gradient, IN_C, IN_PLACE, 14)                     \
    OP(ROW_NORM, row_norm, IN_C, IN_PLACE, 8)                                  \
    OP(ROW_NORM_GRADIENT, row_norm_gradient, IN_C, IN_PLACE, 8)                \
    OP(BATCH_MOMENTS, batch_moments, IN_C, 0, 5)                               \
    OP(BATCH_STATISTICS, batch_statistics, MEETING, WHOLE_BATCH, 0)            \
    OP(RUNNING_STATISTICS, running_statistics, IN_C, 0, 0)                     \
    OP(BATCH_NORM, batch_norm, IN_C, IN_PLACE, 5)                              \
    OP(BATCH_NORM_SUMS, batch_norm_sums, IN_C, 0, 5)                           \
    OP(BATCH_CORRECTION, batch_correction, MEETING, WHOLE_BATCH, 0)            \
    OP(BATCH_NORM_GRADIENT, batch_norm_gradient, IN_C, IN_PLACE, 5)            \
    OP(REDUCE, reduce, IN_C, 0, 4)                                             \
    OP(REDUCE_GRADIENT, reduce_gradient, IN_C, 0, 4)                           \
    OP(REDUCE_STEPS, reduce_steps, IN_C, CROSSES, 4)                           \
    OP(REDUCE_STEPS_GRADIENT, reduce_steps_gradient, IN_C, CROSSES, 4)         \
    OP(CONV, conv, IN_C, 0, 1)                                                 \
    OP(CONV_TRANSPOSED, conv_transposed, IN_C, 0, 1)                           \
    OP(CONV_KERNEL_GRADIENT, conv_kernel_gradient, IN_C, 0, 1)                 \
    OP(POOL, pool, IN_C, 0, 4)                                                 \
    OP(POOL_GRADIENT, pool_gradient, IN_C, 0, 4)                               \
    OP(MOVE, move, IN_C, 0, 4)                                                 \
    OP(EMBEDDING, embedding, IN_C, READS_TOKENS, 12)                           \
    OP(EMBEDDING_GRADIENT, embedding_gradient, IN_C, READS_TOKENS, 16)         \
    OP(RECURRENT, recurrent, IN_C, CROSSES, 1)                                 \
    OP(RECURRENT_GRADIENT, recurrent_gradient, IN_C, IN_PLACE | CROSSES, 1)    \
    OP(RECURRENT_WEIGHTS, recurrent_weights, IN_C, CROSSES, 1)                 \
    OP(SCALE_STEPS, scale_steps, IN_C, IN_PLACE | CROSSES, 5)                  \
    OP(ATTENTION, attention, IN_C, RANDOM | READS_VIEWS | CROSSES, 2)          \
    OP(ATTENTION_GRADIENT, attention_gradient, IN_C, READS_VIEWS | CROSSES, 4) \
    OP(POSITIONS, positions, IN_C, IN_PLACE | CROSSES, 8)                      \
    OP(POSITIONS_GRADIENT, positions_gradient, IN_C, CROSSES, 8)               \
    OP(TOKEN_MASK, token_mask, IN_C, READS_TOKENS, 2)                          \
    OP(VALUE_MASK, value_mask, IN_C, 0, 3)                                     \
    OP(MASKED, masked, IN_C, IN_PLACE, 4)                                      \
    OP(MERGE, merge, IN_C, IN_PLACE, 8)                                        \
    OP(MERGE_GRADIENT, merge_gradient, IN_C, IN_PLACE, 14)                     \
    OP(SCALE, scale, IN_C, IN_PLACE, 5)                                        \
    OP(CUSTOM_LOSS, custom_loss, IN_PYTHON, IN_PLACE | WHOLE_BATCH, 16)        \
    OP(CUSTOM_AUGMENT, custom_augment, IN_PYTHON, RANDOM | WHOLE_BATCH, 40)

#define OP_ROW(NAME, name, where, flags, cost) OP_##NAME,
enum op_kind { OP_TABLE(OP_ROW) N_OPS };
#undef OP_ROW

#endif
