/*
 * knowledge/import.h - articles out of a table
 *
 * Columns: question (or title), answer; optional key, title, questions,
 * topic, language, audience. Without a key the question's fingerprint makes
 * one, so that the same file can be imported again and changes nothing.
 */
#ifndef OTK_KNOWLEDGE_IMPORT_H
#define OTK_KNOWLEDGE_IMPORT_H

#include "knowledge/articles.h"

struct arena;
struct table;

struct import_row {
    struct knowledge_article article;
    size_t number; /* of the row, as a person counts */
};

struct import_bad {
    size_t number;
    const char *reason;
};

struct import {
    struct import_row *rows;
    size_t n_rows;
    struct import_bad *bad; /* of the file and of its contents */
    size_t n_bad;
};

/* OTK_EFORMAT when the table lacks a question or answer column. */
int import_read(const struct table *t, struct arena *a, struct import *ret,
                struct err *e);

#endif
