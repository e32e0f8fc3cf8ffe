/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of an evaluation, by cairo. */
#include <cairo.h>
#include <math.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "base/utf8.h"
#include "triage/evaluate.h"

enum { PATH_BYTES = 4096, LABEL_WIDTH = 190, TOP = 60, CHART = 360, GAP = 70 };

static void colour(cairo_t *c, double share)
{
    /* white to deep green */
    cairo_set_source_rgb(c, 1 - 0.96 * share, 1 - 0.57 * share,
                         1 - 0.57 * share);
}

static void text_at(cairo_t *c, double x, double y, const char *text)
{
    cairo_move_to(c, x, y);
    cairo_show_text(c, text);
}

/* A label cut to what fits beside the matrix. */
static void put_label(cairo_t *c, const char *label, double right, double y)
{
    enum { SHOWN = 26 };
    char copy[4 * SHOWN + 1];
    struct str s = str_from(label);
    while (utf8_len(s) > SHOWN)
        s = utf8_cut(s, s.n - 1);
    (void)snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(s));
    cairo_text_extents_t size;
    cairo_text_extents(c, copy, &size);
    text_at(c, right - size.x_advance, y, copy);
}

static cairo_t *canvas(int width, int height, const char *title,
                       cairo_surface_t **ret)
{
    *ret = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *c = cairo_create(*ret);
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, 15);
    text_at(c, 16, 28, title);
    cairo_set_font_size(c, 11);
    return c;
}

static int save(cairo_t *c, cairo_surface_t *s, const char *path, struct err *e)
{
    cairo_destroy(c);
    cairo_status_t r = cairo_surface_write_to_png(s, path);
    cairo_surface_destroy(s);
    if (r)
        return err_set(e, OTK_EIO, "write %s: %s", path,
                       cairo_status_to_string(r));
    return OTK_OK;
}

static int draw_confusion(const struct evaluation *x, const char *path,
                          struct err *e)
{
    int k = (int)x->n_classes;
    int cell = k <= 14 ? 44 : k <= 40 ? 18 : 9;
    cairo_surface_t *s;
    cairo_t *c = canvas(LABEL_WIDTH + k * cell + 30, TOP + k * cell + 40,
                        "Truth (rows) and prediction (columns)", &s);
    for (int t = 0; t < k; t++) {
        double y = TOP + t * cell;
        size_t support = x->classes[t].support;
        cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
        if (cell > 9)
            put_label(c, x->classes[t].label, LABEL_WIDTH - 8,
                      y + cell / 2.0 + 4);
        for (int g = 0; g < k; g++) {
            unsigned n = x->confusion[t * k + g];
            double share = support ? n / (double)support : 0;
            colour(c, share);
            cairo_rectangle(c, LABEL_WIDTH + g * cell, y, cell - 1, cell - 1);
            cairo_fill(c);
            if (cell < 40 || n == 0)
                continue;
            char number[16];
            (void)snprintf(number, sizeof(number), "%u", n);
            cairo_set_source_rgb(c, share > 0.5, share > 0.5, share > 0.5);
            text_at(c, LABEL_WIDTH + g * cell + 8, y + cell / 2.0 + 4, number);
        }
    }
    return save(c, s, path, e);
}

static void axes(cairo_t *c, double x, double y, const char *across,
                 const char *up)
{
    cairo_set_source_rgb(c, 0.6, 0.6, 0.6);
    cairo_set_line_width(c, 1);
    cairo_rectangle(c, x + 0.5, y + 0.5, CHART, CHART);
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    text_at(c, x, y + CHART + 34, across);
    text_at(c, x, y - 8, up);
    for (int i = 0; i <= 5; i++) {
        char tick[8];
        (void)snprintf(tick, sizeof(tick), "%.1f", i / 5.0);
        text_at(c, x + i * CHART / 5.0 - 8, y + CHART + 16, tick);
        text_at(c, x - 28, y + CHART - i * CHART / 5.0 + 4, tick);
    }
}

static void draw_reliability(cairo_t *c, const struct evaluation *x,
                             double left)
{
    axes(c, left, TOP, "confidence", "what came true");
    cairo_set_source_rgb(c, 0.7, 0.7, 0.7);
    cairo_move_to(c, left, TOP + CHART);
    cairo_line_to(c, left + CHART, TOP);
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0.04, 0.43, 0.43);
    for (int b = 0; b < EVALUATE_BINS; b++) {
        if (x->bins[b].n == 0)
            continue;
        double share = (double)x->bins[b].n / (double)x->n;
        cairo_arc(c, left + x->bins[b].confidence * CHART,
                  TOP + CHART - x->bins[b].accuracy * CHART,
                  3 + 14 * sqrt(share), 0, 2 * M_PI);
        cairo_fill(c);
    }
}

static void draw_coverage(cairo_t *c, const struct evaluation *x, double left)
{
    axes(c, left, TOP, "share of wrong decisions allowed (0 - 0.1 marked)",
         "share decided alone");
    cairo_set_source_rgb(c, 0.04, 0.43, 0.43);
    for (int i = 0; i < EVALUATE_RATES; i++) {
        double w = CHART / 8.0;
        double h = x->rates[i].coverage * CHART;
        double at = left + CHART * (i + 0.5) / EVALUATE_RATES - w / 2;
        cairo_rectangle(c, at, TOP + CHART - h, w, h);
        cairo_fill(c);
        char text[32];
        (void)snprintf(text, sizeof(text), "%.0f%%: %.0f%%",
                       100 * x->rates[i].error, 100 * x->rates[i].coverage);
        text_at(c, at - 4, TOP + CHART - h - 5, text);
    }
}

static int draw_calibration(const struct evaluation *x, const char *path,
                            struct err *e)
{
    char title[96];
    (void)snprintf(title, sizeof(title),
                   "Calibration: error %.3f, accuracy %.3f, %zu rows", x->ece,
                   x->accuracy, x->n);
    cairo_surface_t *s;
    cairo_t *c = canvas(2 * CHART + 3 * GAP, TOP + CHART + 60, title, &s);
    draw_reliability(c, x, GAP);
    draw_coverage(c, x, CHART + 2 * GAP);
    return save(c, s, path, e);
}

int evaluation_pictures(const struct evaluation *x, const char *prefix,
                        struct err *e)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s-confusion.png", prefix);
    int r = draw_confusion(x, path, e);
    (void)snprintf(path, sizeof(path), "%s-calibration.png", prefix);
    return r ? r : draw_calibration(x, path, e);
}
