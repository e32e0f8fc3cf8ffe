/*
 * desk/desk_jobs.h - the desk's own jobs, run by threads of this process
 *
 * `otklik serve` and `otklik worker` run the same jobs; any number of them may
 * work on one store.
 */
#ifndef OTK_DESK_DESK_JOBS_H
#define OTK_DESK_DESK_JOBS_H

struct desk;
struct desk_jobs;
struct err;

/* The desk must outlive it. */
int desk_jobs_start(struct desk *d, int threads, struct desk_jobs **ret,
                    struct err *e);
/* Finishes what is in hand. NULL is fine. */
void desk_jobs_stop(struct desk_jobs *j);

#endif
