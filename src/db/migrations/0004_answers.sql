-- What was answered to an example: models learn its words beside the text's.
ALTER TABLE examples ADD COLUMN answer TEXT NOT NULL DEFAULT '';
