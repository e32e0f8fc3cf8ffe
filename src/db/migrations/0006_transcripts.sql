-- What a recogniser understood of a recording: one row an attachment, gone
-- with it. `segments_json`: [[from_ms, to_ms, confidence, "text"], ...].
CREATE TABLE transcripts (
    attachment_id BIGINT PRIMARY KEY REFERENCES attachments (id)
        ON DELETE CASCADE,
    recogniser TEXT NOT NULL,
    language TEXT NOT NULL DEFAULT '',
    confidence DOUBLE PRECISION NOT NULL, -- negative: not known
    length_ms BIGINT NOT NULL,
    text TEXT NOT NULL,
    segments_json TEXT NOT NULL DEFAULT '[]',
    created_at BIGINT NOT NULL
);
CREATE INDEX inbox_recorded ON inbox (id) WHERE stage = 'recorded';
