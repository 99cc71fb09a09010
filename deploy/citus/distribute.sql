-- Spreads a collector's tables over the nodes of a Citus cluster, by hall. Run it on the coordinator
-- after `manyi-collector init`, before anything is stored, and again after an update that brought
-- new tables; what is spread already stays as it is. See README.md.
--
-- The rule: a table whose first column is hall_id is the halls', and all of a hall's rows are on one
-- node, so that an exchange is one node's transaction. Every other table is small and is copied to
-- every node. A test holds the schema to what Citus can do with that.
DO $$
DECLARE
    this record;
BEGIN
    FOR this IN
        SELECT c.oid::regclass AS name,
               EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1
                       AND a.attname = 'hall_id') AS of_a_hall
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT c.relispartition
          AND c.oid NOT IN (SELECT table_name::oid FROM citus_tables)
        -- `hall` first: the others go where it is.
        ORDER BY c.relname <> 'hall', c.relname
    LOOP
        IF NOT this.of_a_hall THEN
            PERFORM create_reference_table(this.name);
        ELSIF this.name = 'hall'::regclass THEN
            PERFORM create_distributed_table(this.name, 'hall_id');
        ELSE
            PERFORM create_distributed_table(this.name, 'hall_id', colocate_with => 'hall');
        END IF;
    END LOOP;
END
$$;
