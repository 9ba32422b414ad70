-- Who may do what on PostgreSQL. Run it after `consent migrate`, as the owner of the tables or a superuser:
--
--     psql -v ON_ERROR_STOP=1 -f postgresql_roles.sql consent
--
-- Whoever owns the ledger's tables can switch its triggers off. So the service signs in as somebody who does not:
-- make a login for the web processes and one for the workers, and give them these roles.
--
--     CREATE ROLE web LOGIN PASSWORD '…' IN ROLE consent_web;
--     CREATE ROLE worker LOGIN PASSWORD '…' IN ROLE consent_web, consent_sequencer, consent_publisher;
--     CREATE ROLE auditor LOGIN PASSWORD '…' IN ROLE consent_audit;   -- also for `consent backup`
--
-- Safe to run again; run it again after each `consent migrate`.

DO $$
DECLARE role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['consent_web', 'consent_sequencer', 'consent_publisher', 'consent_audit'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN  -- roles are the whole server's: it has them already
    END;
  END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, consent_web, consent_sequencer, consent_publisher, consent_audit;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, consent_web, consent_sequencer, consent_publisher, consent_audit;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO consent_web, consent_sequencer, consent_publisher, consent_audit;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO consent_web, consent_sequencer, consent_publisher, consent_audit;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO consent_web, consent_sequencer, consent_publisher, consent_audit;

-- What is not the ledger is the web's own to change: people, standings, the outbox, what is set up.
GRANT INSERT, UPDATE, DELETE ON
  answered, api_key, brand, contact, export, form, mail_report, notice, organization, outbox, signup, standing, told, topic
  TO consent_web;

-- The ledger is only ever added to. Evidence may be deleted, which is erasure.
GRANT INSERT ON ledger_entry, evidence, ledger_pending, erased_address TO consent_web;
GRANT USAGE ON SEQUENCE ledger_pending_id_seq TO consent_web;
GRANT DELETE ON evidence TO consent_web;
GRANT DELETE ON ledger_pending TO consent_sequencer;
GRANT INSERT ON ledger_leaf, ledger_tile TO consent_sequencer;
GRANT INSERT ON ledger_checkpoint, ledger_key TO consent_publisher;
