-- The moment from which a ticket's promises are counted: its creation, moved
-- forward by the open hours for which its clock stood still.
ALTER TABLE tickets ADD COLUMN counts_from BIGINT NOT NULL DEFAULT 0;
UPDATE tickets SET counts_from = created_at;

-- Several files of one message may have the same bytes, and a file may wait
-- for the message that it belongs to.
CREATE INDEX attachments_message ON attachments (message_id);
CREATE INDEX messages_author ON messages (author_id);
CREATE INDEX inbox_person ON inbox (person_id);
CREATE INDEX examples_ticket ON examples (ticket_id);
CREATE INDEX predictions_inbox ON predictions (inbox_id);
CREATE INDEX events_age ON events (created_at);
CREATE INDEX sessions_age ON sessions (expires_at);
