/*
 * cli/dataset.h - a table of labelled texts for training and evaluation
 *
 * The text is in column `text`, what was answered in table_answer_column()
 * if there is one; each task is a column of its name. Rows that
 * cannot be used are listed on stderr and left out.
 */
#ifndef OTK_CLI_DATASET_H
#define OTK_CLI_DATASET_H

#include "data/table.h"
#include "triage/train.h"

struct args;

struct dataset {
    struct table table, also;
    struct triage_dataset d;
    struct triage_labels tasks[8];
    size_t n_left_out;
};

/* `tasks`: "topic,priority"; NULL: those of the two that have a column.
 * `mapping`: "text=Question,topic=Theme", or NULL. */
int dataset_read(const char *path, const char *mapping, const char *tasks,
                 struct dataset *ret, struct err *e);
/* Adds the rows of a table that are learnt from and never asked about; they
 * may lack the column of a task. */
int dataset_also(struct dataset *d, const char *path, const char *mapping,
                 struct err *e);
void dataset_free(struct dataset *d);

#endif
