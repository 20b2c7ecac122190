-- Functions and triggers of 006_agent_versions; a line with --; alone parts the statements.

-- Whoever writes an agent, a release that knows of no versions among them, leaves what it was.
CREATE FUNCTION keep_agent_version() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.version IS DISTINCT FROM OLD.version THEN
        INSERT INTO agent_version (team_id, agent_id, version, dna, actor)
        VALUES (
            NEW.team_id, NEW.id, NEW.version, NEW.dna || jsonb_build_object('slug', NEW.slug, 'status', NEW.status),
            nullif(current_setting('app.actor', true), '')
        );
    END IF;
    RETURN NULL;
END $$
--;
CREATE TRIGGER keep_agent_version AFTER INSERT OR UPDATE OF version ON agent
FOR EACH ROW EXECUTE FUNCTION keep_agent_version()
--;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON agent_version
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
-- Where the application is the owner no policy admits a migration to the teams' rows. The lock holds until the commit:
-- nobody sees the table without its force.
ALTER TABLE agent NO FORCE ROW LEVEL SECURITY
--;
-- Earlier versions were not kept. When the present one was made is known of a first one alone, of others that it was
-- not later than the last change.
INSERT INTO agent_version (team_id, agent_id, version, dna, created_at)
SELECT
    team_id, id, version, dna || jsonb_build_object('slug', slug, 'status', status),
    CASE version WHEN 1 THEN created_at ELSE updated_at END
FROM agent
--;
ALTER TABLE agent FORCE ROW LEVEL SECURITY
