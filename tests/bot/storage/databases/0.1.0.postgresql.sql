SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    session_id text,
    revision integer,
    payload json NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    state text NOT NULL,
    leased_by text,
    leased_until timestamp with time zone,
    error text
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.adapter_data (
    tenant text NOT NULL,
    key text NOT NULL,
    value json NOT NULL
);
CREATE TABLE public.pending_cards (
    session_id text NOT NULL,
    revision integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    payload json NOT NULL
);
CREATE TABLE public.person_settings (
    tenant text NOT NULL,
    person text NOT NULL,
    language text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.processed_events (
    key_hash bytea NOT NULL,
    processed_at timestamp with time zone NOT NULL
);
CREATE TABLE public.sessions (
    id text NOT NULL,
    tenant text NOT NULL,
    owner text NOT NULL,
    conversation text,
    status text NOT NULL,
    state json NOT NULL,
    lock_version integer NOT NULL,
    card json,
    post json,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    recent_keys bytea,
    occurred_at timestamp with time zone
);
CREATE TABLE public.oauth_states (
    state_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.removed_tenants (
    tenant text NOT NULL,
    removed_at timestamp with time zone NOT NULL
);
CREATE TABLE public.tokens (
    tenant text NOT NULL,
    ciphertext bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.outbox VALUES (3, 'posted:expire', 'expire', 'expire:posted', 'posted', NULL, '{}', '2026-11-15 09:00:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (1, 'purge', 'purge', 'purge:None', NULL, NULL, '{}', '2026-11-01 15:00:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (4, 'posted:post', 'post', 'slack:slack:T1/C1', 'posted', NULL, '{"destination": "C1"}', '2026-11-01 09:00:00+00', 1, 'done', 'e72f2fcd977f7030', '2026-11-01 09:00:01+00', NULL);
INSERT INTO public.outbox VALUES (8, 'held:expire', 'expire', 'expire:held', 'held', NULL, '{}', '2026-11-15 09:01:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (9, 'held:post', 'post', 'slack:slack:T1/C2', 'held', NULL, '{"destination": "C2"}', '2026-11-01 09:01:00+00', 1, 'held', 'e72f2fcd977f7030', NULL, 'lost');
INSERT INTO public.outbox VALUES (13, 'pending:expire', 'expire', 'expire:pending', 'pending', NULL, '{}', '2026-11-15 09:02:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (14, 'pending:post', 'post', 'slack:slack:T1/C3', 'pending', NULL, '{"destination": "C3"}', '2026-11-01 09:02:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (17, 'open:expire', 'expire', 'expire:open', 'open', NULL, '{}', '2026-11-15 09:02:00+00', 0, 'pending', NULL, NULL, NULL);
INSERT INTO public.adapter_data VALUES ('slack:T1', 'channel:C1', '{"name": "general"}');
INSERT INTO public.pending_cards VALUES ('open', 1, '2026-11-01 09:02:15+00', '{}');
INSERT INTO public.person_settings VALUES ('slack:T1', 'U2', 'fr', '2026-11-01 09:02:00+00');
INSERT INTO public.processed_events VALUES ('\x0b220df1969115139ffebb337981298d243a44f84dad5d20d7e7da5fdb34de43', '2026-11-01 09:02:00+00');
INSERT INTO public.sessions VALUES ('posted', 'slack:T1', 'U2', 'D1', 'posted', '{"id": "posted", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}', 1, '{"drawn": 1}', '{"link": "https://example.org/posted"}', '2026-11-01 09:00:00+00', '2026-11-01 09:00:00+00', NULL, NULL);
INSERT INTO public.sessions VALUES ('held', 'slack:T1', 'U2', 'D1', 'posted', '{"id": "held", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}', 1, '{"ts": "1"}', NULL, '2026-11-01 09:01:00+00', '2026-11-01 09:01:00+00', NULL, NULL);
INSERT INTO public.sessions VALUES ('pending', 'slack:T1', 'U2', 'D1', 'posted', '{"id": "pending", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}', 1, '{"ts": "1"}', NULL, '2026-11-01 09:02:00+00', '2026-11-01 09:02:00+00', NULL, NULL);
INSERT INTO public.sessions VALUES ('open', 'slack:T1', 'U1', 'D1', 'open', '{"id": "open", "tenant": "slack:T1", "owner": "U1", "language": "en", "version": 1, "answers": {"orientation": "key"}, "revision": 1, "changing": null, "status": "open"}', 1, NULL, NULL, '2026-11-01 09:02:00+00', '2026-11-01 09:02:00+00', NULL, NULL);
INSERT INTO public.oauth_states VALUES ('\x780c122ee574b017992e595ce63fe489c818eb298c06c4eca217a87288f34048', '2026-11-01 09:12:00+00');
INSERT INTO public.removed_tenants VALUES ('slack:T9', '2026-11-01 09:02:00+00');
INSERT INTO public.tokens VALUES ('slack:T1', '\x674141414141427242773058595170664c4936364d597570726f595679426f74777055585537374d46774b704472594c31396e4e5a41414e704d715257526137347a6678675154306a63413530447a55526d655345515044724c77765959715467786d30436b6961556b56764673495a364371636f5749384975684856774f57393470396c416d6249664277515a5167736b6e793669613342614c36513737584f513d3d', '2026-11-01 09:02:00+00');
SELECT pg_catalog.setval('public.outbox_id_seq', 18, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_key_key UNIQUE (key);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.adapter_data
    ADD CONSTRAINT adapter_data_pkey PRIMARY KEY (tenant, key);
ALTER TABLE ONLY public.person_settings
    ADD CONSTRAINT person_settings_pkey PRIMARY KEY (tenant, person);
ALTER TABLE ONLY public.processed_events
    ADD CONSTRAINT processed_events_pkey PRIMARY KEY (key_hash);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.oauth_states
    ADD CONSTRAINT oauth_states_pkey PRIMARY KEY (state_hash);
ALTER TABLE ONLY public.removed_tenants
    ADD CONSTRAINT removed_tenants_pkey PRIMARY KEY (tenant);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (tenant);
CREATE INDEX outbox_due ON public.outbox USING btree (state, due_at);
CREATE INDEX outbox_queue ON public.outbox USING btree (queue);
CREATE INDEX outbox_session ON public.outbox USING btree (session_id);
CREATE INDEX sessions_owner ON public.sessions USING btree (tenant, owner, status);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.pending_cards
    ADD CONSTRAINT pending_cards_pkey PRIMARY KEY (session_id);
CREATE INDEX pending_cards_due ON public.pending_cards USING btree (due_at);
ALTER TABLE ONLY public.pending_cards
    ADD CONSTRAINT pending_cards_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;
