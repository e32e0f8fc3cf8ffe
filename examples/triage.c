/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Say topic and priority of a text, why, and what the articles know.
 *
 *   cc triage.c $(pkg-config --cflags --libs otklik) -o triage
 *   ./triage MODEL_FOLDER ARTICLES "The printer is jammed"
 */
#include <otklik.h>
#include <stdio.h>

enum { TASKS = 8, HITS = 3 };

static int say_decisions(const struct otk_model *m, struct otk_worker *w,
                         const char *text)
{
    struct otk_decision d[TASKS];
    if (otk_model_tasks(m) > TASKS || otk_triage(m, w, text, d))
        return -1;
    for (size_t i = 0; i < otk_model_tasks(m); i++) {
        const struct otk_word *words;
        size_t n = 0;
        printf("%s: %s (%.2f, %s)\n", d[i].task,
               d[i].label ? d[i].label : "none of these", d[i].confidence,
               d[i].mode);
        if (!d[i].label ||
            otk_explain(m, w, text, d[i].task, d[i].label, &words, &n))
            continue;
        for (size_t k = 0; k < n && k < 5; k++)
            printf("   %+.2f %s\n", words[k].weight, words[k].text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: triage MODEL_FOLDER ARTICLES TEXT\n");
        return 2;
    }
    struct otk_worker *w = otk_worker_new();
    struct otk_model *m = otk_model_load(argv[1]);
    struct otk_articles *a = m ? otk_articles_load(argv[2]) : NULL;
    int r = a ? say_decisions(m, w, argv[3]) : -1;
    struct otk_hit hits[HITS];
    int n = r ? -1 : otk_search(a, w, argv[3], hits, HITS);
    for (int i = 0; i < n; i++)
        printf("%.2f %s\n", hits[i].confidence, hits[i].title);
    if (n < 0)
        fprintf(stderr, "triage: %s\n", otk_error());
    otk_articles_free(a);
    otk_model_free(m);
    otk_worker_free(w);
    return n < 0;
}
