/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

static const struct api_about ask = {.scope = SCOPE_REQUESTS,
                                     .anonymous = true};
static const struct api_about tickets = {.scope = SCOPE_TICKETS};
static const struct api_about knowledge = {.scope = SCOPE_KNOWLEDGE};
static const struct api_about model = {.scope = SCOPE_TRIAGE};
static const struct api_about door = {.anonymous = true, .for_viewers = true};
static const struct api_about sight = {.scope = SCOPE_TICKETS,
                                       .for_viewers = true};
static const struct api_about admin = {.scope = SCOPE_ADMIN};

/* What the query may say; `language` it may say anywhere. */
#define FIND(path, fn, who, names)                                             \
    {                                                                          \
        .method = "GET", .pattern = path, .run = fn, .about = who,             \
        .query = names                                                         \
    }
#define GET(path, fn, who) FIND(path, fn, who, NULL)
#define POST(path, fn, who)                                                    \
    {                                                                          \
        .method = "POST", .pattern = path, .run = fn, .about = who             \
    }

#define PATCH(path, fn, who)                                                   \
    {                                                                          \
        .method = "PATCH", .pattern = path, .run = fn, .about = who            \
    }
#define DELETE(path, fn, who)                                                  \
    {                                                                          \
        .method = "DELETE", .pattern = path, .run = fn, .about = who           \
    }
#define UPLOAD(path, fn, who, names)                                           \
    {                                                                          \
        .method = "POST", .pattern = path, .run = fn, .about = who,            \
        .query = names, .body_max = (size_t)1 << 40, .sink = &api_upload       \
    }

/* clang-format off */
const struct http_route api_routes[] = {
    {.method = "POST", .pattern = "/predict", .run = predict_post, .flags = HTTP_INLINE},
    POST("/api/v1/requests", request_post, &ask),
    GET("/api/v1/requests/{id}", request_get, &ask),
    POST("/api/v1/requests/{id}/feedback", request_feedback, &ask),
    POST("/api/v1/requests/{id}/messages", request_message_post, &ask),
    UPLOAD("/api/v1/requests/{id}/attachments", request_attachment_post, &ask, "name"),
    GET("/api/v1/requests/{id}/attachments/{file}", request_attachment_get, &ask),

    FIND("/api/v1/tickets", ticket_list_get, &tickets, "state assignee topic priority team tag person late updated_since view q limit after"),
    POST("/api/v1/tickets", ticket_post, &tickets),
    GET("/api/v1/tickets/{id}", ticket_one_get, &tickets),
    PATCH("/api/v1/tickets/{id}", ticket_patch, &tickets),
    POST("/api/v1/tickets/{id}/messages", ticket_message_post, &tickets),
    UPLOAD("/api/v1/tickets/{id}/attachments", ticket_attachment_post, &tickets, "name message"),
    POST("/api/v1/tickets/{id}/links", ticket_link_post, &tickets),
    DELETE("/api/v1/tickets/{id}/links/{other}", ticket_link_delete, &tickets),
    POST("/api/v1/tickets/{id}/merge", ticket_merge, &tickets),
    POST("/api/v1/tickets/{id}/split", ticket_split, &tickets),
    GET("/api/v1/tickets/{id}/route", ticket_route_get, &tickets),
    GET("/api/v1/tickets/{id}/history", ticket_history_get, &tickets),
    GET("/api/v1/tickets/{id}/similar", ticket_similar_get, &tickets),
    GET("/api/v1/attachments/{id}", attachment_file_get, &tickets),
    DELETE("/api/v1/attachments/{id}", attachment_file_delete, &tickets),
    GET("/api/v1/views", view_list_get, &tickets),
    POST("/api/v1/views", view_post, &sight),
    DELETE("/api/v1/views/{id}", view_delete, &sight),
    GET("/api/v1/tags", tag_list_get, &tickets),
    FIND("/api/v1/canned", canned_list_get, &tickets, "in ticket"),
    POST("/api/v1/canned", canned_post, &tickets),
    DELETE("/api/v1/canned/{id}", canned_delete, &tickets),

    FIND("/api/v1/people", people_list_get, &tickets, "q limit after"),
    POST("/api/v1/people", person_post, &tickets),
    GET("/api/v1/people/{id}", person_one_get, &tickets),
    PATCH("/api/v1/people/{id}", person_patch, &tickets),
    DELETE("/api/v1/people/{id}", person_delete, &admin),
    GET("/api/v1/people/{id}/erasure", erasure_get, &admin),

    POST("/api/v1/session", session_post, &door),
    GET("/api/v1/session", session_get, &tickets),
    DELETE("/api/v1/session", session_delete, &sight),
    GET("/api/v1/staff", staff_get, &tickets),
    GET("/api/v1/topics", topics_get, &door),
    GET("/api/v1/priorities", priorities_get, &door),
    GET("/api/v1/events", events_get, &tickets),

    FIND("/api/v1/knowledge/search", knowledge_search_get, &knowledge, "q"),
    FIND("/api/v1/knowledge/articles", article_list_get, &knowledge, "limit after"),
    POST("/api/v1/knowledge/articles", article_post, &knowledge),
    GET("/api/v1/knowledge/articles/{id}", article_one_get, &knowledge),
    PATCH("/api/v1/knowledge/articles/{id}", article_patch, &knowledge),
    GET("/api/v1/knowledge/unanswered", unanswered_get, &knowledge),
    PATCH("/api/v1/knowledge/unanswered/{id}", unanswered_patch, &knowledge),
    POST("/api/v1/triage", triage_post, &model),

    GET("/api/v1/catalog", catalog_get, &admin),
    PATCH("/api/v1/catalog", catalog_patch, &admin),
    GET("/api/v1/keys", key_list_get, &admin),
    POST("/api/v1/keys", key_post, &admin),
    DELETE("/api/v1/keys/{id}", key_delete, &admin),
    GET("/api/v1/settings", settings_get, &admin),
    PATCH("/api/v1/settings", settings_patch, &admin),
    FIND("/api/v1/audit", audit_get, &admin, "limit after"),
    FIND("/api/v1/outbox", outbox_get, &admin, "state limit after"),
    POST("/api/v1/outbox/{id}", outbox_post, &admin),
    FIND("/api/v1/jobs", job_list_get, &admin, "state limit after"),
    POST("/api/v1/jobs/{id}", job_post, &admin),
    GET("/api/v1/openapi.json", openapi_get, NULL),

    GET("/health", health_get, NULL),
    GET("/ready", ready_get, NULL),
    POST("/v1/bert_prediction", bert_post, NULL),
    POST("/v1/bert_prediction_async", bert_async_post, &ask),
    GET("/result/{id}", result_get, &ask),
    GET("/status", status_get, NULL),

    GET("/healthz", healthz_get, NULL),
    GET("/readyz", readyz_get, NULL),
    GET("/metrics", metrics_get, NULL),
    GET("/", page_index, NULL),
    GET("/desk", page_desk, NULL),
    GET("/docs", page_docs, NULL),
    GET("/{file}", page_file, NULL),
    {0},
};
/* clang-format on */
