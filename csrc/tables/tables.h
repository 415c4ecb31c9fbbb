/* The names in the tables of ops and of elementwise.h, for the lookup by name and the messages. */
#ifndef FASTNN_TABLES_H
#define FASTNN_TABLES_H

#include "ops/table.h"
#include "tables/elementwise.h"

enum { NOTHING, OUTPUT, INPUT };

#define ROW(name, reads, default, value, slope) #name,
static const char *const activation_names[] = {ACTIVATION_TABLE(ROW)};
#undef ROW
#define ROW(name, reads, default, value, slope) reads,
static const int activation_reads[] = {ACTIVATION_TABLE(ROW)};
#undef ROW
#define ROW(name, reads, default, value, slope) default,
static const double activation_defaults[] = {ACTIVATION_TABLE(ROW)};
#undef ROW
#define ROW(alias, name) #alias,
static const char *const activation_aliases[] = {ACTIVATION_ALIAS_TABLE(ROW)};
#undef ROW
#define ROW(alias, name) #name,
static const char *const aliased_activations[] = {ACTIVATION_ALIAS_TABLE(ROW)};
#undef ROW
#define ROW(name, link, ...) #name,
static const char *const loss_names[] = {LOSS_TABLE(ROW) ROW_LOSS_TABLE(ROW)};
#undef ROW
#define ROW(name, link, ...) #link,
static const char *const loss_links[] = {LOSS_TABLE(ROW) ROW_LOSS_TABLE(ROW)};
#undef ROW
#define ELEMENT(name, link, value, gradient) 0,
#define ROW(name, link) 1,
static const int loss_is_of_rows[] = {LOSS_TABLE(ELEMENT) ROW_LOSS_TABLE(ROW)};
#undef ELEMENT
#undef ROW
#define ROW(name, slots, step) #name,
static const char *const optimizer_names[] = {OPTIMIZER_TABLE(ROW)};
#undef ROW
#define ROW(name, slots, step) slots,
static const int optimizer_slots[] = {OPTIMIZER_TABLE(ROW)};
#undef ROW

#define ROW(NAME, name, where, flags, cost) #name,
static const char *const op_names[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) flags,
static const int op_flags[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) cost,
static const double op_costs[] = {OP_TABLE(ROW)};
#undef ROW

enum {
    N_ACTIVATIONS = sizeof activation_names / sizeof activation_names[0],
    N_ACTIVATION_ALIASES = sizeof activation_aliases / sizeof activation_aliases[0],
    N_LOSSES = sizeof loss_names / sizeof loss_names[0],
    N_OPTIMIZERS = sizeof optimizer_names / sizeof optimizer_names[0]
};

#endif
