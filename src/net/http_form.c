/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_form.h"

#include <curl/curl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"
#include "net/http_private.h"

enum { HEADER_BYTES = HTTP_TOKEN_MAX + 64, OK = 200, SHOWN = 120 };

struct posting {
    const struct http_form *form;
    struct buf *to;
    CURL *curl;
    curl_mime *mime;
    struct curl_slist *headers;
    char said[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct posting *x = arg;
    buf_put(x->to, p, size * n);
    return buf_check(x->to) ? 0 : size * n; /* less than came: it is ended */
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now,
                       curl_off_t up_total, curl_off_t up_now)
{
    const struct http_form *f = arg;
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return f->cancelled && f->cancelled(f->ctx);
}

static bool add_field(struct posting *x, const struct http_field *f)
{
    curl_mimepart *p = curl_mime_addpart(x->mime);
    return p && !curl_mime_name(p, f->name) &&
           !curl_mime_data(p, f->value.p ? f->value.p : "", f->value.n) &&
           (!f->file ||
            (!curl_mime_filename(p, f->file) && !curl_mime_type(p, f->type)));
}

static int make_form(struct posting *x, struct err *e)
{
    const char *token = x->form->token;
    char line[HEADER_BYTES];
    x->mime = curl_mime_init(x->curl);
    bool ok = x->mime != NULL;
    for (size_t i = 0; ok && i < x->form->n_fields; i++)
        ok = add_field(x, &x->form->fields[i]);
    if (ok && token && token[0]) {
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        x->headers = curl_slist_append(NULL, line);
        ok = x->headers != NULL;
    }
    return ok ? OTK_OK : err_set(e, OTK_ELIMIT, "no memory for a request");
}

static void set_options(struct posting *x)
{
    CURL *c = x->curl;
    (void)curl_easy_setopt(c, CURLOPT_URL, x->form->url);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "otklik/" OTK_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)x->form->timeout_ms);
    (void)curl_easy_setopt(c, CURLOPT_MIMEPOST, x->mime);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->said);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, x->form);
}

static int answer(const struct posting *x, CURLcode c, struct err *e)
{
    long status = 0;
    (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (buf_check(x->to))
        return err_set(e, OTK_ELIMIT, "the answer has more than %zu bytes",
                       x->to->max);
    if (c)
        return http_explain(c, x->said, e);
    if (status == OK)
        return OTK_OK;
    if (status == 400 || status == 413 || status == 415 || status == 422)
        return err_set(e, OTK_EFORMAT, "answered %ld: %.*s", status,
                       (int)(x->to->len < SHOWN ? x->to->len : SHOWN),
                       x->to->ptr);
    return status > 400 ? http_explain_status((int)status, e)
                        : err_set(e, OTK_EFORMAT, "answered %ld", status);
}

static int post(struct posting *x, struct err *e)
{
    int r = make_form(x, e);
    if (r)
        return r;
    set_options(x);
    return answer(x, curl_easy_perform(x->curl), e);
}

int http_form_post(const struct http_form *f, struct buf *ret, struct err *e)
{
    struct posting x = {.form = f, .to = ret};
    struct http_origin o;
    int r = http_origin_read(f->url, &o, e);
    if (!r)
        r = http_ready(e);
    if (!r && !(x.curl = curl_easy_init()))
        r = err_set(e, OTK_ELIMIT, "no memory for a transfer");
    if (!r)
        r = post(&x, e);
    curl_slist_free_all(x.headers);
    curl_mime_free(x.mime);
    curl_easy_cleanup(x.curl);
    return r ? err_wrap(e, r, "%.200s", f->url) : OTK_OK;
}
