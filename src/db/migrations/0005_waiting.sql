-- Whether somebody waits is asked with each request, of queues of any length.
CREATE INDEX tickets_waiting ON tickets (topic_id, id)
    WHERE assignee_id IS NULL AND state IN ('new', 'open');
