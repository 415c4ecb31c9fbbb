/* One formula, once: activations, element-wise losses and optimizer rules.

   A row of a table is all it takes to add one. The loops over rows of numbers, the
   lookup by name, the messages that list the valid names and the parametrised tests are
   generated from it. The expressions are branch-free scalar code (a conditional becomes
   a blend), so that every compiler can vectorise the loop around them. A comparison
   always sends NaN on: NaN in, NaN out. */
#ifndef FASTNN_ELEMENTWISE_H
#define FASTNN_ELEMENTWISE_H

/* ROW(name, reads, default, value, slope)
   value: of the input x. slope: the derivative with respect to x, written in the number
   that the row reads: OUTPUT means y, so that the forward pass may work in place, INPUT
   means x, for functions whose slope cannot be had from y. The identity reads NOTHING.
   default: of option, the function's own parameter; 0 where it has none.
   relu: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines",
   ICML 2010. leaky_relu: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural
   network acoustic models", ICML 2013; option >= 0 is the slope below 0. elu: Clevert,
   Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
   linear units", ICLR 2016; -option is the limit on the left. selu: Klambauer et al.,
   "Self-normalizing neural networks", NIPS 2017. gelu, exact and as tanh: Hendrycks and
   Gimpel, "Gaussian error linear units", 2016. silu: the same, section 4. mish: Misra,
   "Mish: A self regularized non-monotonic activation function", BMVC 2020. softplus:
   Dugas et al., "Incorporating second-order functional knowledge", NIPS 2000. softsign:
   Bergstra et al., "Quadratic polynomials learn better image features", 2009.
   hard_sigmoid, hard_swish: Howard et al., "Searching for MobileNetV3", ICCV 2019. */
#define ACTIVATION_TABLE(ROW)                                                       \
    ROW(identity, NOTHING, 0, x, 1)                                                 \
    ROW(relu, OUTPUT, 0, x < 0 ? 0 : x, y > 0 ? (REAL)1 : 0)                        \
    ROW(logistic, OUTPUT, 0, NAMED(logistic)(x), y * (1 - y))                       \
    ROW(tanh, OUTPUT, 0, NAMED(tanh)(x), 1 - y * y)                                 \
    ROW(exponential, OUTPUT, 0, NAMED(exp)(x), y)                                   \
    ROW(leaky_relu, OUTPUT, 0.01, x < 0 ? option * x : x, y > 0 ? (REAL)1 : option) \
    ROW(elu, OUTPUT, 1, x < 0 ? option * NAMED(expm1_negative)(x) : x,              \
        y > 0 ? (REAL)1 : y + option)                                               \
    ROW(selu, OUTPUT, 0,                                                            \
        (x < 0 ? SELU_ALPHA * NAMED(expm1_negative)(x) : x) * SELU_SCALE,           \
        y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA)                           \
    ROW(gelu, INPUT, 0, NAMED(normal_probability)(x) * x,                           \
        NAMED(normal_probability)(x) + x * NAMED(normal_density)(x))                \
    ROW(gelu_tanh, INPUT, 0, NAMED(gelu_tanh_value)(x), NAMED(gelu_tanh_slope)(x))  \
    ROW(silu, INPUT, 0, NAMED(logistic)(x) * x,                                     \
        NAMED(logistic)(x) + x * NAMED(logistic_slope)(x))                          \
    ROW(mish, INPUT, 0, NAMED(mish_value)(x), NAMED(mish_slope)(x))                 \
    ROW(softplus, OUTPUT, 0,                                                        \
        (x < 0 ? 0 : x) + NAMED(log1p_exp_negative)(x < 0 ? x : -x),                \
        -NAMED(expm1_negative)(-y))                                                 \
    ROW(softsign, OUTPUT, 0, x / (1 + (x < 0 ? -x : x)),                            \
        (1 - (y < 0 ? -y : y)) * (1 - (y < 0 ? -y : y)))                            \
    ROW(hard_sigmoid, OUTPUT, 0, x < -3 ? 0 : (x > 3 ? (REAL)1 : (x + 3) / 6),      \
        y > 0 && y < 1 ? (REAL)1 / 6 : 0)                                           \
    ROW(hard_swish, INPUT, 0, x < -3 ? 0 : (x > 3 ? x : x * (x + 3) / 6),           \
        x < -3 ? 0 : (x > 3 ? (REAL)1 : (2 * x + 3) / 6))

#define SELU_SCALE (REAL)1.05070098735548049342
#define SELU_ALPHA (REAL)1.67326324235437728482

/* ROW(alias, name): what else an activation is called. */
#define ACTIVATION_ALIAS_TABLE(ROW) \
    ROW(linear, identity)           \
    ROW(sigmoid, logistic)          \
    ROW(swish, silu)

/* ROW(name, link, value, gradient)
   Both are written in the raw output z and the target y. The link (an activation, used
   at predict) is merged in, so that neither overflows where the loss itself does not.
   Where a slope jumps, it is 0. option: the loss' own parameters.
   log_loss: -y log p - (1 - y) log(1 - p) with p = logistic(z), for targets that are
   drawn towards 1/2 by the share option[0]: Szegedy et al., "Rethinking the Inception
   architecture for computer vision", CVPR 2016. binary_focal: (1 - q)^option[0] (-log q)
   with q = p where y is 1 and 1 - p where it is 0, weighed by option[1] and
   1 - option[1]; Lin et al., "Focal loss for dense object detection", ICCV 2017. hinge,
   squared_hinge: of the margin s z with s = 2y - 1; Cortes and Vapnik, "Support-vector
   networks", 1995. huber: Huber, "Robust estimation of a location parameter", 1964;
   quadratic up to option[0], linear beyond. log_cosh: log(cosh(z - y)). quantile: the
   pinball loss of the quantile option[0]; Koenker and Bassett, "Regression quantiles",
   1978. poisson, gamma, tweedie: half the deviance, with p = exp(z), the last one for
   the variance p^option[0], option[0] > 1 and not 2; McCullagh and Nelder, "Generalized
   linear models", 1989; Jorgensen, "Exponential dispersion models", 1987. */
#define LOSS_TABLE(ROW)                                                              \
    ROW(squared_error, identity, (REAL)0.5 * (z - y) * (z - y), z - y)               \
    ROW(absolute_error, identity, z < y ? y - z : z - y,                             \
        z < y ? (REAL) - 1 : (z > y ? (REAL)1 : z - y))                              \
    ROW(huber, identity,                                                             \
        z - y > option[0]                                                            \
            ? option[0] * (z - y - (REAL)0.5 * option[0])                            \
            : (z - y < -option[0] ? option[0] * (y - z - (REAL)0.5 * option[0])      \
                                  : (REAL)0.5 * (z - y) * (z - y)),                  \
        z - y > option[0] ? option[0] : (z - y < -option[0] ? -option[0] : z - y))   \
    ROW(log_cosh, identity, NAMED(log_cosh)(z - y), NAMED(tanh)(z - y))              \
    ROW(quantile, identity, z < y ? option[0] * (y - z) : (1 - option[0]) * (z - y), \
        z < y ? -option[0] : (z > y ? 1 - option[0] : z - y))                        \
    ROW(poisson, exponential,                                                        \
        NAMED(exp)(z) - y * z + (y > 0 ? y * NAMED(log)(y) - y : 0),                 \
        NAMED(exp)(z) - y)                                                           \
    ROW(gamma, exponential, z - NAMED(log)(y) + y * NAMED(exp)(-z) - 1,              \
        1 - y * NAMED(exp)(-z))                                                      \
    ROW(tweedie, exponential, NAMED(tweedie_value)(z, y, option[0]),                 \
        NAMED(tweedie_gradient)(z, y, option[0]))                                    \
    ROW(log_loss, logistic,                                                          \
        (z < 0 ? 0 : z) - (y + option[0] * ((REAL)0.5 - y)) * z +                    \
            NAMED(log1p_exp_negative)(z < 0 ? z : -z),                               \
        NAMED(logistic)(z) - (y + option[0] * ((REAL)0.5 - y)))                      \
    ROW(binary_focal, logistic, NAMED(focal_value)(z, y, option[0], option[1]),      \
        NAMED(focal_gradient)(z, y, option[0], option[1]))                           \
    ROW(hinge, identity, NAMED(positive_part)(1 - (2 * y - 1) * z),                  \
        NAMED(hinge_gradient)(2 * y - 1, 1 - (2 * y - 1) * z))                       \
    ROW(squared_hinge, identity,                                                     \
        NAMED(positive_part)(1 - (2 * y - 1) * z) *                                  \
            NAMED(positive_part)(1 - (2 * y - 1) * z),                               \
        (2 - 4 * y) * NAMED(positive_part)(1 - (2 * y - 1) * z))

/* ROW(name, link): losses of a whole row of outputs, which row_loss.h computes. The
   softmax is a link like the activations. */
#define ROW_LOSS_TABLE(ROW)          \
    ROW(cross_entropy, softmax)      \
    ROW(soft_cross_entropy, softmax) \
    ROW(kl_divergence, softmax)      \
    ROW(focal, softmax)              \
    ROW(multi_margin, identity)      \
    ROW(cosine_similarity, identity)

enum { N_LOSS_OPTIONS = 2 };

/* ROW(name, slots, step)
   step: changes the weight w by its gradient g. s0, s1, s2: the weight's slots of optimizer
   state. h: the step's row of scalars, filled by the optimizer object; rate is h[0] times
   the learning-rate factor of the parameter block. Weight decay and clipping are no part
   of a row: w and g come with them.
   sgd: Sutskever et al., "On the importance of initialization and momentum in deep
   learning", ICML 2013; h = rate, momentum, weight of the velocity and of the gradient's
   step in the step, weight of the gradient and of its step in the velocity, weight of the
   velocity times rate in the step: 1, 0, 0, 1, 0 where the velocity is a sum of steps,
   and momentum, 1, 0, 1, 0 with Nesterov's look-ahead; 0, 0, 1, 0, 1 and
   0, 1, 1, 0, momentum where it is one of gradients.
   adam: Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, end of
   section 2; h = rate with both bias corrections, b1, 1 - b1, b2, 1 - b2, epsilon.
   amsgrad: Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018.
   nadam: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; h[6] and
   h[7] are the weights of gradient and mean.
   rmsprop: Tieleman and Hinton, "Lecture 6.5", 2012; centered by Graves, "Generating
   sequences with recurrent neural networks", 2013, section 4.2; h = rate, rho, 1 - rho,
   momentum, epsilon.
   adagrad: Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 2011; h = rate,
   epsilon, initial sum of squares.
   adadelta: Zeiler, "ADADELTA: An adaptive learning rate method", 2012; h = rate, rho,
   1 - rho, epsilon.
   lion: Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023; h =
   rate, b1, 1 - b1, b2, 1 - b2. */
#define OPTIMIZER_TABLE(ROW)                                                           \
    ROW(sgd, 1, {                                                                      \
        s0 = h[1] * s0 + (h[4] - h[5] * rate) * g;                                     \
        w += (h[2] - h[6] * rate) * s0 - h[3] * rate * g;                              \
    })                                                                                 \
    ROW(adam, 2, {                                                                     \
        s0 = h[1] * s0 + h[2] * g;                                                     \
        s1 = h[3] * s1 + h[4] * g * g;                                                 \
        w -= rate * s0 / (NAMED(sqrt)(s1) + h[5]);                                     \
    })                                                                                 \
    ROW(amsgrad, 3, {                                                                  \
        s0 = h[1] * s0 + h[2] * g;                                                     \
        s1 = h[3] * s1 + h[4] * g * g;                                                 \
        s2 = s1 > s2 ? s1 : s2;                                                        \
        w -= rate * s0 / (NAMED(sqrt)(s2) + h[5]);                                     \
    })                                                                                 \
    ROW(nadam, 2, {                                                                    \
        s0 = h[1] * s0 + h[2] * g;                                                     \
        s1 = h[3] * s1 + h[4] * g * g;                                                 \
        w -= rate * (h[6] * g + h[7] * s0) / (NAMED(sqrt)(s1) + h[5]);                 \
    })                                                                                 \
    ROW(rmsprop, 2, {                                                                  \
        s0 = h[1] * s0 + h[2] * g * g;                                                 \
        s1 = h[3] * s1 + g / (NAMED(sqrt)(s0) + h[4]);                                 \
        w -= rate * s1;                                                                \
    })                                                                                 \
    ROW(rmsprop_centered, 3, {                                                         \
        s0 = h[1] * s0 + h[2] * g * g;                                                 \
        s2 = h[1] * s2 + h[2] * g;                                                     \
        s1 = h[3] * s1 + g / (NAMED(sqrt)(NAMED(positive_part)(s0 - s2 * s2)) + h[4]); \
        w -= rate * s1;                                                                \
    })                                                                                 \
    ROW(adagrad, 1, {                                                                  \
        s0 += g * g;                                                                   \
        w -= rate * g / (NAMED(sqrt)(s0 + h[2]) + h[1]);                               \
    })                                                                                 \
    ROW(adadelta, 2, {                                                                 \
        s0 = h[1] * s0 + h[2] * g * g;                                                 \
        REAL move = NAMED(sqrt)(s1 + h[3]) / NAMED(sqrt)(s0 + h[3]) * g;               \
        s1 = h[1] * s1 + h[2] * move * move;                                           \
        w -= rate * move;                                                              \
    })                                                                                 \
    ROW(lion, 1, {                                                                     \
        REAL move = h[1] * s0 + h[2] * g;                                              \
        s0 = h[3] * s0 + h[4] * g;                                                     \
        w -= rate * (move > 0 ? (REAL)1 : (move < 0 ? (REAL) - 1 : move));             \
    })

/* A row of a step table: the optimizer's h, then what all rules share: the weight that
   the parameters after the step get in their average (0: none, 1: it starts anew), the
   coefficients of weight decay that is part of the gradient and of decay beside it, what
   gradients are clipped to (0: not at all), what the step's random masks depend on, and
   the share that another sample of the mini-batch has in each (0: none): of all its
   numbers, or, of a window, its rows and columns from the first to before the last. */
enum {
    N_SCALARS = 21,
    N_RULE_SCALARS = 8,
    AVERAGE_RATE = 9,
    COUPLED_DECAY = 10,
    DECOUPLED_DECAY = 11,
    CLIP_VALUE = 12,
    CLIP_NORM = 13,
    MASK_SEED = 14,
    MASK_STEP = 15,
    MIXED_SHARE = 16,
    MIXED_TOP = 17,
    MIXED_BOTTOM = 18,
    MIXED_LEFT = 19,
    MIXED_RIGHT = 20
};
enum { MAX_SLOTS = 3 };

#endif
