/*
 * base/err.h - how a function says that it failed, and why
 *
 * Every function that can fail returns `int`: 0, or one negative OTK_E* code
 * chosen by what the caller can do about it. A function whose failure a person
 * will read takes `struct err *e` last (before the arguments of a variadic
 * one) and fills it on failure only. `e` may be NULL.
 */
#ifndef OTK_BASE_ERR_H
#define OTK_BASE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum otk_code {
    OTK_OK = 0,
    OTK_EINVAL = -1,    /* the caller broke the contract              */
    OTK_ENOENT = -2,    /* no such thing                              */
    OTK_ELIMIT = -3,    /* input is larger than the stated limit      */
    OTK_EFORMAT = -4,   /* input is malformed                         */
    OTK_EAGAIN = -5,    /* nothing was done; trying later may work    */
    OTK_EDENIED = -6,   /* refused; retrying will not help            */
    OTK_EUNSURE = -7,   /* it may or may not have happened            */
    OTK_EIO = -8,       /* system or network failure                  */
    OTK_ECONFLICT = -9, /* it exists already, or changed underneath   */
};

enum { ERR_TEXT_MAX = 320, ERR_FIELD_MAX = 64 };

struct err {
    int code;
    char field[ERR_FIELD_MAX]; /* the input that is wrong: "text", "row 7" */
    char msg[ERR_TEXT_MAX];    /* one line, no trailing newline */
};

/* Set `e` (when not NULL) and return `code`, so that a failure is one line. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set(), and names the input that is wrong. */
int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put context in front of what `e` says: "load model: no such file". */
int err_wrap(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put a place in front of the text and the field: "a.yaml:3: port: not a
 * number". The field's name moves into the text. */
int err_place(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* err_set() with the text of the current errno: "open x: No such file". */
int err_errno(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

const char *err_name(int code); /* "not found", "over limit", … */

#ifdef __cplusplus
}
#endif

#endif
