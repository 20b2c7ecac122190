-- Functions and triggers of 003_memory_cells; a line with --; alone parts the statements.

-- The stems of a memory, hashed with their team: one index serves all teams, and none reads what others remember.
-- pgvector has no way to ask for the numbers, so they are taken from its text, `{12:1.3,40:0.9}/999999999`.
CREATE FUNCTION hash_stems(team_id uuid, lexemes sparsevec) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(uuid_hash_extended(team_id, split_part(pair, ':', 1)::bigint))
    FROM string_to_table(ltrim(split_part(lexemes::text, '}', 1), '{'), ',') AS pair
$$
--;
-- What holds one of the stems and lies in a cell. No operator that looks into an array is leakproof, so under row-level
-- security the index could not be used; it runs as the owner, and asks for the team itself.
CREATE FUNCTION list_memories_by_stems(terms integer[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT m.id FROM memory m
    WHERE cardinality(terms) > 0 AND m.team_id = nullif(current_setting('app.team_id', true), '')::uuid
        AND m.cell IS NOT NULL AND m.erased_at IS NULL AND m.status IN ('active', 'disputed')
        AND hash_stems(m.team_id, m.lexemes) && ARRAY(
            SELECT uuid_hash_extended(nullif(current_setting('app.team_id', true), '')::uuid, term::bigint)
            FROM unnest(terms) AS term
        )
$$
--;
-- A cell is made of vectors of what is in use: what is erased, retired or embedded anew lies in none, whoever does it,
-- a release that knows of no cells among them.
-- The vectors are compared here and not in the trigger's condition: a backup writes no schema before the operator of
-- IS DISTINCT FROM, and could not be restored.
CREATE FUNCTION leave_cell() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.erased_at IS NOT NULL OR NEW.status NOT IN ('active', 'disputed')
        OR NEW.embedding IS DISTINCT FROM OLD.embedding OR NEW.embedding_model IS DISTINCT FROM OLD.embedding_model
    THEN
        NEW.cell := NULL;
    END IF;
    RETURN NEW;
END $$
--;
CREATE TRIGGER leave_cell BEFORE UPDATE ON memory FOR EACH ROW
WHEN (OLD.cell IS NOT NULL) EXECUTE FUNCTION leave_cell()
