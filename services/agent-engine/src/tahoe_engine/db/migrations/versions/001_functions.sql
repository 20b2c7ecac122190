-- Functions and triggers of 001_phase1_foundation; a line with --; alone parts the statements.

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$
--;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON agent FOR EACH ROW EXECUTE FUNCTION set_updated_at()
--;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON conversation FOR EACH ROW EXECUTE FUNCTION set_updated_at()
--;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON message FOR EACH ROW EXECUTE FUNCTION set_updated_at()
--;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON memory FOR EACH ROW EXECUTE FUNCTION set_updated_at()
--;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON memory_tag FOR EACH ROW EXECUTE FUNCTION set_updated_at()
--;
CREATE FUNCTION count_messages() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE conversation c
    SET message_count = c.message_count + a.messages,
        last_message_at = greatest(c.last_message_at, a.newest)
    FROM (
        SELECT team_id, conversation_id, count(*) AS messages, max(created_at) AS newest
        FROM added GROUP BY team_id, conversation_id
    ) a
    WHERE c.team_id = a.team_id AND c.id = a.conversation_id;
    RETURN NULL;
END $$
--;
CREATE TRIGGER count_messages AFTER INSERT ON message
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_messages()
--;
-- Append-only: whoever asks, even the owner.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE USING MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused', ERRCODE = '23000';
END $$
--;
CREATE TRIGGER keep_content BEFORE UPDATE ON memory FOR EACH ROW
WHEN (
    (OLD.content, OLD.subject, OLD.author, OLD.metadata, OLD.content_hash)
        IS DISTINCT FROM (NEW.content, NEW.subject, NEW.author, NEW.metadata, NEW.content_hash)
    -- An erasure is the one exception; the tombstone can only be laid once, and stays.
    AND NOT (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL AND NEW.content = '[erased]')
    OR OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at
    OR (OLD.id, OLD.root_id, OLD.version, OLD.agent_id, OLD.user_id, OLD.memory_type, OLD.source, OLD.occurred_at,
        OLD.source_conversation_id, OLD.position, OLD.source_message_ids, OLD.extraction_model, OLD.related_to,
        OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.root_id, NEW.version, NEW.agent_id, NEW.user_id, NEW.memory_type, NEW.source,
        NEW.occurred_at, NEW.source_conversation_id, NEW.position, NEW.source_message_ids, NEW.extraction_model,
        NEW.related_to, NEW.created_at)
) EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON memory FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON memory_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON memory_use
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
-- One moment a unit of work, that of its first event: between two events of one change there is no time in which
-- neither the old version stands nor the new.
CREATE FUNCTION log_moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    said text := current_setting('app.moment', true);
BEGIN
    IF coalesce(said, '') = '' THEN
        said := clock_timestamp()::text;
        PERFORM set_config('app.moment', said, true);
    END IF;
    RETURN said::timestamptz;
END $$
--;
-- The log is written as its owner, since the application's role may only read it.
CREATE FUNCTION log_new_memories() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    moment timestamptz := log_moment();
BEGIN
    INSERT INTO memory_log (team_id, memory_id, event, version, status, tier, importance, confidence, is_pinned,
        expires_at, superseded_by, actor, reason, logged_at)
    SELECT team_id, id, 'created', version, status, tier, importance, confidence, is_pinned, expires_at,
        superseded_by, nullif(current_setting('app.actor', true), ''), nullif(current_setting('app.reason', true), ''),
        moment
    FROM added;
    RETURN NULL;
END $$
--;
CREATE TRIGGER log_new_memories AFTER INSERT ON memory
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_new_memories()
--;
CREATE FUNCTION log_memory_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    events text[] := '{}';
BEGIN
    IF NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL THEN
        events := events || 'erased'::text;
    ELSE
        IF NEW.status <> OLD.status THEN
            events := events || CASE
                WHEN NEW.status = 'superseded' THEN 'superseded'
                WHEN NEW.status = 'disputed' THEN 'disputed'
                WHEN NEW.status = 'archived' AND NEW.superseded_by IS NOT NULL THEN 'consolidated'
                WHEN NEW.status = 'archived' THEN 'expired'
                WHEN OLD.status = 'disputed' THEN 'resolved'
                ELSE 'updated' END;
        END IF;
        -- The enum's order: hot, warm, cold.
        IF NEW.tier <> OLD.tier THEN
            events := events || CASE WHEN NEW.tier < OLD.tier THEN 'promoted' ELSE 'demoted' END;
        END IF;
        IF NEW.is_pinned <> OLD.is_pinned THEN
            events := events || CASE WHEN NEW.is_pinned THEN 'pinned' ELSE 'unpinned' END;
        END IF;
        IF events = '{}' OR (OLD.importance, OLD.confidence, OLD.expires_at)
            IS DISTINCT FROM (NEW.importance, NEW.confidence, NEW.expires_at) THEN
            events := events || 'updated'::text;
        END IF;
    END IF;
    INSERT INTO memory_log (team_id, memory_id, event, version, status, tier, importance, confidence, is_pinned,
        expires_at, superseded_by, actor, reason, logged_at)
    SELECT NEW.team_id, NEW.id, event, NEW.version, NEW.status, NEW.tier, NEW.importance, NEW.confidence,
        NEW.is_pinned, NEW.expires_at, NEW.superseded_by, nullif(current_setting('app.actor', true), ''),
        nullif(current_setting('app.reason', true), ''), log_moment()
    FROM unnest(events) AS event;
    RETURN NULL;
END $$
--;
-- Access counts and embeddings are no change of a memory: the first is logged as a batch, the second is derived.
CREATE TRIGGER log_memory_change AFTER UPDATE ON memory FOR EACH ROW
WHEN (
    (OLD.status, OLD.tier, OLD.is_pinned, OLD.importance, OLD.confidence, OLD.expires_at, OLD.superseded_by,
        OLD.erased_at)
    IS DISTINCT FROM (NEW.status, NEW.tier, NEW.is_pinned, NEW.importance, NEW.confidence, NEW.expires_at,
        NEW.superseded_by, NEW.erased_at)
) EXECUTE FUNCTION log_memory_change()
--;
CREATE FUNCTION count_memory_use() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    -- In one order for everybody, or two answers with memories in common could wait for each other.
    PERFORM FROM memory m
    WHERE (m.team_id, m.id) IN (SELECT team_id, memory_id FROM added) ORDER BY m.id FOR NO KEY UPDATE;
    UPDATE memory m SET access_count = m.access_count + a.uses, last_accessed_at = clock_timestamp()
    FROM (SELECT team_id, memory_id, count(*) AS uses FROM added GROUP BY team_id, memory_id) a
    WHERE m.team_id = a.team_id AND m.id = a.memory_id;
    INSERT INTO memory_log (team_id, memory_ids, event, actor, reason, logged_at)
    SELECT team_id, array_agg(memory_id ORDER BY rank), 'accessed', nullif(current_setting('app.actor', true), ''),
        'answer ' || answer_id, log_moment()
    FROM added GROUP BY team_id, answer_id;
    RETURN NULL;
END $$
--;
CREATE TRIGGER count_memory_use AFTER INSERT ON memory_use
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_memory_use()
--;
-- The version of a memory that stood at a moment, with the state that it had then; no row: there was none yet.
CREATE FUNCTION memory_at(of_id uuid, moment timestamptz)
RETURNS TABLE (
    id uuid, root_id uuid, version integer, content text, subject text, memory_type memory_type_enum,
    status memory_status, tier memory_tier, importance smallint, confidence double precision, is_pinned boolean,
    expires_at timestamptz, superseded_by uuid, created_at timestamptz, erased_at timestamptz
)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT m.id, m.root_id, m.version, m.content, m.subject, m.memory_type, l.status, l.tier, l.importance,
        l.confidence, l.is_pinned, l.expires_at, l.superseded_by, m.created_at, m.erased_at
    FROM memory f
    JOIN memory m ON m.team_id = f.team_id AND m.root_id = f.root_id
    CROSS JOIN LATERAL (
        SELECT * FROM memory_log l
        WHERE l.team_id = m.team_id AND l.memory_id = m.id AND l.logged_at <= moment ORDER BY l.id DESC LIMIT 1
    ) l
    WHERE f.id = of_id
    ORDER BY m.version DESC LIMIT 1
$$
--;
-- Work across teams lists them here, then goes team by team; it tells ids and nothing else.
CREATE FUNCTION list_memory_teams() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    WITH RECURSIVE team AS (
        (SELECT team_id FROM memory ORDER BY team_id LIMIT 1)
        UNION ALL
        SELECT (SELECT m.team_id FROM memory m WHERE m.team_id > team.team_id ORDER BY m.team_id LIMIT 1)
        FROM team WHERE team.team_id IS NOT NULL
    )
    SELECT team_id FROM team WHERE team_id IS NOT NULL
$$
