BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	session_id TEXT, 
	revision INTEGER, 
	payload JSON NOT NULL, 
	due_at DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	leased_by TEXT, 
	leased_until DATETIME, 
	error TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key"), 
	FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
INSERT INTO "outbox" VALUES(1,'purge','purge','purge:None',NULL,NULL,'{}','2026-11-01 15:00:00.000000',0,'pending',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(3,'posted:expire','expire','expire:posted','posted',NULL,'{}','2026-11-15 09:00:00.000000',0,'pending',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(4,'posted:post','post','slack:slack:T1/C1','posted',NULL,'{"destination": "C1"}','2026-11-01 09:00:00.000000',1,'done','46033777ada55c05','2026-11-01 09:00:01.000000',NULL);
INSERT INTO "outbox" VALUES(6,'held:expire','expire','expire:held','held',NULL,'{}','2026-11-15 09:01:00.000000',0,'pending',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(7,'held:post','post','slack:slack:T1/C2','held',NULL,'{"destination": "C2"}','2026-11-01 09:01:00.000000',1,'held','46033777ada55c05',NULL,'lost');
INSERT INTO "outbox" VALUES(9,'pending:expire','expire','expire:pending','pending',NULL,'{}','2026-11-15 09:02:00.000000',0,'pending',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(10,'pending:post','post','slack:slack:T1/C3','pending',NULL,'{"destination": "C3"}','2026-11-01 09:02:00.000000',0,'pending',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(12,'open:expire','expire','expire:open','open',NULL,'{}','2026-11-15 09:02:00.000000',0,'pending',NULL,NULL,NULL);
CREATE TABLE adapter_data (
	tenant TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value JSON NOT NULL, 
	PRIMARY KEY (tenant, "key")
);
INSERT INTO "adapter_data" VALUES('slack:T1','channel:C1','{"name": "general"}');
CREATE TABLE pending_cards (
	session_id TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	payload JSON NOT NULL, 
	PRIMARY KEY (session_id), 
	FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "pending_cards" VALUES('open',1,'2026-11-01 09:02:15.000000','{}');
CREATE TABLE person_settings (
	tenant TEXT NOT NULL, 
	person TEXT NOT NULL, 
	language TEXT NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (tenant, person)
);
INSERT INTO "person_settings" VALUES('slack:T1','U2','fr','2026-11-01 09:02:00.000000');
CREATE TABLE processed_events (
	key_hash BLOB NOT NULL, 
	processed_at DATETIME NOT NULL, 
	PRIMARY KEY (key_hash)
);
INSERT INTO "processed_events" VALUES(X'0B220DF1969115139FFEBB337981298D243A44F84DAD5D20D7E7DA5FDB34DE43','2026-11-01 09:02:00.000000');
CREATE TABLE sessions (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	conversation TEXT, 
	status TEXT NOT NULL, 
	state JSON NOT NULL, 
	lock_version INTEGER NOT NULL, 
	card JSON, 
	post JSON, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	recent_keys BLOB, 
	occurred_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "sessions" VALUES('posted','slack:T1','U2','D1','posted','{"id": "posted", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}',1,'{"drawn": 1}','{"link": "https://example.org/posted"}','2026-11-01 09:00:00.000000','2026-11-01 09:00:00.000000',NULL,NULL);
INSERT INTO "sessions" VALUES('held','slack:T1','U2','D1','posted','{"id": "held", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}',1,'{"ts": "1"}',NULL,'2026-11-01 09:01:00.000000','2026-11-01 09:01:00.000000',NULL,NULL);
INSERT INTO "sessions" VALUES('pending','slack:T1','U2','D1','posted','{"id": "pending", "tenant": "slack:T1", "owner": "U2", "language": "fr", "version": 1, "answers": {"orientation": "key", "brand": "yes", "transformation": "yes", "presence": "yes", "mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "yes"}, "revision": 1, "changing": null, "status": "posted"}',1,'{"ts": "1"}',NULL,'2026-11-01 09:02:00.000000','2026-11-01 09:02:00.000000',NULL,NULL);
INSERT INTO "sessions" VALUES('open','slack:T1','U1','D1','open','{"id": "open", "tenant": "slack:T1", "owner": "U1", "language": "en", "version": 1, "answers": {"orientation": "key"}, "revision": 1, "changing": null, "status": "open"}',1,NULL,NULL,'2026-11-01 09:02:00.000000','2026-11-01 09:02:00.000000',NULL,NULL);
CREATE TABLE oauth_states (
	state_hash BLOB NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (state_hash)
);
INSERT INTO "oauth_states" VALUES(X'ABB9823962DABC496977BDDFF1AA35B292F19C88F97F284F6667A8CE720B92D3','2026-11-01 09:12:00.000000');
CREATE TABLE removed_tenants (
	tenant TEXT NOT NULL, 
	removed_at DATETIME NOT NULL, 
	PRIMARY KEY (tenant)
);
INSERT INTO "removed_tenants" VALUES('slack:T9','2026-11-01 09:02:00.000000');
CREATE TABLE tokens (
	tenant TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (tenant)
);
INSERT INTO "tokens" VALUES('slack:T1',X'674141414141427242773056454A7572576F624C6F76434D3858506F6D342D574745647155304F37496F644A6253757879487657376E4C365953776B346E6C5A6135534E4554376959543042733448624A63754278654A5532736445726374416F665A3174654535634737456849324B6558624F4A435F776F53476F59335144686736683565574B57466979595362796C3667726331794F32314A4F6E43635A42513D3D','2026-11-01 09:02:00.000000');
CREATE INDEX sessions_owner ON sessions (tenant, owner, status);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_queue ON outbox (queue);
CREATE INDEX outbox_session ON outbox (session_id);
CREATE INDEX pending_cards_due ON pending_cards (due_at);
COMMIT;
