-- all migrations up to 0019;

CREATE TABLE livery_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT livery_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE livery_event (
	"key" VARCHAR(40) NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	event_id VARCHAR(200) NOT NULL, 
	type VARCHAR(200) NOT NULL, 
	body BLOB NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	accepted_at BIGINT NOT NULL, 
	planned_at BIGINT, 
	audience TEXT, tries INTEGER DEFAULT '0' NOT NULL, waits_for TEXT, 
	CONSTRAINT pk_livery_event PRIMARY KEY ("key"), 
	CONSTRAINT uq_livery_event_tenant UNIQUE (tenant, source, event_id)
);

CREATE TABLE livery_delivery (
	id VARCHAR(40) NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	event_key VARCHAR(40) NOT NULL, 
	event_id VARCHAR(200) NOT NULL, 
	event_type VARCHAR(200) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	unique_key VARCHAR(64) NOT NULL, 
	destination TEXT NOT NULL, 
	envelope TEXT NOT NULL, 
	endpoint TEXT, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(40), 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_until BIGINT, 
	due_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	settled_at BIGINT, 
	settled TEXT DEFAULT '{}' NOT NULL, 
	title TEXT NOT NULL, 
	locale VARCHAR(85) NOT NULL, 
	message_id TEXT NOT NULL, 
	degraded TEXT DEFAULT '[]' NOT NULL, 
	warnings TEXT DEFAULT '[]' NOT NULL, 
	trace TEXT DEFAULT '{}' NOT NULL, 
	wire BLOB, priority INTEGER DEFAULT '0' NOT NULL, destination_key VARCHAR(310) DEFAULT '' NOT NULL, replay_of VARCHAR(40), purged_at BIGINT, told TEXT, admission INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_livery_delivery PRIMARY KEY (id), 
	CONSTRAINT fk_livery_delivery_event_key FOREIGN KEY(event_key) REFERENCES livery_event ("key"), 
	CONSTRAINT uq_livery_delivery_unique_key UNIQUE (unique_key)
);

CREATE INDEX ix_livery_delivery_event_key ON livery_delivery (event_key);

CREATE TABLE livery_attempt (
	delivery VARCHAR(40) NOT NULL, 
	number INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	duration_us BIGINT NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	reason VARCHAR(40), 
	outcome TEXT NOT NULL, worker VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_livery_attempt PRIMARY KEY (delivery, number), 
	CONSTRAINT fk_livery_attempt_delivery FOREIGN KEY(delivery) REFERENCES livery_delivery (id)
);

CREATE TABLE livery_wake (
	work VARCHAR(40) NOT NULL, 
	lane VARCHAR(100) NOT NULL, 
	due BIGINT NOT NULL, 
	priority INTEGER DEFAULT '0' NOT NULL, tenant VARCHAR(200) DEFAULT '' NOT NULL, destination VARCHAR(310) DEFAULT '' NOT NULL, ready INTEGER DEFAULT '0' NOT NULL, relative INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_livery_wake PRIMARY KEY (work)
);

CREATE INDEX ix_livery_wake_due ON livery_wake (ready, due);

CREATE INDEX ix_livery_wake_destination ON livery_wake (destination);

CREATE INDEX ix_livery_wake_ready ON livery_wake (ready, tenant, destination, priority DESC, due);

CREATE TABLE livery_destination (
	"key" VARCHAR(310) NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	label TEXT NOT NULL, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	paused_until BIGINT, 
	probe VARCHAR(40), 
	probe_until BIGINT, 
	disabled_at BIGINT, 
	disabled_why TEXT DEFAULT '' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_livery_destination PRIMARY KEY ("key")
);

CREATE TABLE livery_intervention (
	id VARCHAR(40) NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	subject VARCHAR(310) NOT NULL, 
	why TEXT NOT NULL, 
	result TEXT NOT NULL, 
	CONSTRAINT pk_livery_intervention PRIMARY KEY (id)
);

CREATE INDEX ix_livery_intervention_subject ON livery_intervention (subject);

CREATE TABLE livery_runner (
	name VARCHAR(40) NOT NULL, 
	epoch BIGINT NOT NULL, 
	beat BIGINT NOT NULL, 
	worker VARCHAR(200) NOT NULL, 
	locked INTEGER NOT NULL, 
	CONSTRAINT pk_livery_runner PRIMARY KEY (name)
);

CREATE INDEX ix_livery_event_unplanned ON livery_event (accepted_at) WHERE planned_at IS NULL;

CREATE TABLE livery_tenant (
	id VARCHAR(200) NOT NULL, 
	parent VARCHAR(200), 
	level VARCHAR(20) NOT NULL, 
	name VARCHAR(400), 
	locale VARCHAR(85), 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	removed_at BIGINT, 
	CONSTRAINT pk_livery_tenant PRIMARY KEY (id)
);

CREATE INDEX ix_livery_tenant_parent ON livery_tenant (parent);

CREATE TABLE livery_revision (
	name VARCHAR(40) NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT pk_livery_revision PRIMARY KEY (name)
);

CREATE TABLE livery_setting (
	tenant VARCHAR(200) NOT NULL, 
	event_type VARCHAR(200) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	field VARCHAR(40) NOT NULL, 
	item VARCHAR(400) NOT NULL, 
	is_lock INTEGER NOT NULL, 
	starts BIGINT NOT NULL, 
	ends BIGINT NOT NULL, 
	operation VARCHAR(10) NOT NULL, 
	value TEXT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_livery_setting PRIMARY KEY (tenant, event_type, channel, field, item, is_lock, starts, ends)
);

CREATE TABLE livery_setting_change (
	tenant VARCHAR(200) NOT NULL, 
	event_type VARCHAR(200) NOT NULL, 
	channel VARCHAR(100) NOT NULL, 
	field VARCHAR(40) NOT NULL, 
	item VARCHAR(400) NOT NULL, 
	is_lock INTEGER NOT NULL, 
	starts BIGINT NOT NULL, 
	ends BIGINT NOT NULL, 
	id VARCHAR(40) NOT NULL, 
	number INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	note TEXT NOT NULL, 
	undo_of VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_livery_setting_change PRIMARY KEY (tenant, id, number)
);

CREATE INDEX ix_livery_setting_change_revision ON livery_setting_change (revision);

CREATE INDEX ix_livery_setting_change_id ON livery_setting_change (id);

CREATE TABLE livery_setting_revision (
	tenant VARCHAR(200) NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_livery_setting_revision PRIMARY KEY (tenant)
);

CREATE TABLE livery_suppression (
	tenant VARCHAR(200) NOT NULL, 
	address VARCHAR(320) NOT NULL, 
	event_type VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	note TEXT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	until BIGINT, 
	CONSTRAINT pk_livery_suppression PRIMARY KEY (tenant, address, event_type)
);

CREATE INDEX ix_livery_suppression_address ON livery_suppression (address);

CREATE TABLE livery_organization (
	tenant VARCHAR(200) NOT NULL, 
	customer VARCHAR(200) NOT NULL, 
	name VARCHAR(400) NOT NULL, 
	locale VARCHAR(85) NOT NULL, 
	active INTEGER NOT NULL, 
	CONSTRAINT pk_livery_organization PRIMARY KEY (tenant, customer)
);

CREATE TABLE livery_contact (
	tenant VARCHAR(200) NOT NULL, 
	customer VARCHAR(200) NOT NULL, 
	kind VARCHAR(60) NOT NULL, 
	name VARCHAR(400) NOT NULL, 
	email VARCHAR(1000) NOT NULL, 
	locale VARCHAR(85) NOT NULL, 
	CONSTRAINT pk_livery_contact PRIMARY KEY (tenant, customer, kind)
);

CREATE TABLE livery_user (
	tenant VARCHAR(200) NOT NULL, 
	id VARCHAR(200) NOT NULL, 
	customer VARCHAR(200) NOT NULL, 
	name VARCHAR(400) NOT NULL, 
	email VARCHAR(1000) NOT NULL, 
	locale VARCHAR(85) NOT NULL, 
	roles TEXT NOT NULL, 
	active INTEGER NOT NULL, 
	CONSTRAINT pk_livery_user PRIMARY KEY (tenant, id)
);

CREATE INDEX ix_livery_user_tenant_customer ON livery_user (tenant, customer);

CREATE TABLE livery_user_role (
	tenant VARCHAR(200) NOT NULL, 
	customer VARCHAR(200) NOT NULL, 
	role VARCHAR(60) NOT NULL, 
	user VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_livery_user_role PRIMARY KEY (tenant, customer, role, user)
);

CREATE INDEX ix_livery_user_role_user ON livery_user_role (tenant, user);

CREATE TABLE livery_thread (
	destination VARCHAR(310) NOT NULL, 
	thread VARCHAR(40) NOT NULL, 
	reference VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_livery_thread PRIMARY KEY (destination, thread)
);

CREATE TABLE livery_sender_domain (
	tenant VARCHAR(200) NOT NULL, 
	domain VARCHAR(253) NOT NULL, 
	token VARCHAR(64) NOT NULL, 
	added_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	verified_at BIGINT, 
	checked_at BIGINT, 
	status VARCHAR(20) NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_livery_sender_domain PRIMARY KEY (tenant, domain)
);

CREATE INDEX ix_livery_sender_domain_due_at ON livery_sender_domain (due_at);

CREATE INDEX ix_livery_delivery_age ON livery_delivery (created_at, id);

CREATE INDEX ix_livery_delivery_tenant_age ON livery_delivery (tenant, created_at, id);

CREATE INDEX ix_livery_delivery_channel_age ON livery_delivery (channel, state, created_at, id);

CREATE INDEX ix_livery_delivery_destination_age ON livery_delivery (destination_key, created_at, id);

CREATE INDEX ix_livery_delivery_tenant_not_good ON livery_delivery (tenant, state, created_at, id) WHERE state NOT IN ('accepted', 'delivered');

CREATE INDEX ix_livery_delivery_open ON livery_delivery (state, due_at) WHERE state IN ('pending', 'retrying', 'sending');

CREATE INDEX ix_livery_delivery_settled_at ON livery_delivery (settled_at) WHERE settled_at IS NOT NULL;

CREATE INDEX ix_livery_delivery_replay_of ON livery_delivery (replay_of) WHERE replay_of IS NOT NULL;

CREATE INDEX ix_livery_event_event_id ON livery_event (event_id);

CREATE INDEX ix_livery_intervention_at ON livery_intervention (at);

CREATE INDEX ix_livery_thread_at ON livery_thread (at);

CREATE TABLE livery_retention (
	name VARCHAR(40) NOT NULL, 
	upto BIGINT NOT NULL, 
	CONSTRAINT pk_livery_retention PRIMARY KEY (name)
);

CREATE TABLE livery_erasure (
	id VARCHAR(40) NOT NULL, 
	at BIGINT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	subject TEXT NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	cursor TEXT NOT NULL, 
	erased INTEGER NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_livery_erasure PRIMARY KEY (id)
);

CREATE TABLE livery_pause (
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR(310) NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	why TEXT NOT NULL, 
	CONSTRAINT pk_livery_pause PRIMARY KEY (kind, name)
);

CREATE TABLE livery_move (
	name VARCHAR(60) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	cursor TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_livery_move PRIMARY KEY (name)
);

CREATE TABLE livery_pack_version (
	id VARCHAR(40) NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	pack VARCHAR(64) NOT NULL, 
	version VARCHAR(100) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	note TEXT NOT NULL, 
	signed_by VARCHAR(200) NOT NULL, 
	counts TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	report TEXT NOT NULL, 
	content BLOB NOT NULL, 
	signature BLOB, 
	CONSTRAINT pk_livery_pack_version PRIMARY KEY (id), 
	CONSTRAINT uq_livery_pack_version_tenant UNIQUE (tenant, pack, version)
);

CREATE TABLE livery_pack_active (
	tenant VARCHAR(200) NOT NULL, 
	pack VARCHAR(64) NOT NULL, 
	version VARCHAR(40) NOT NULL, 
	is_active INTEGER NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_livery_pack_active PRIMARY KEY (tenant, pack), 
	CONSTRAINT fk_livery_pack_active_version_livery_pack_version FOREIGN KEY(version) REFERENCES livery_pack_version (id)
);

CREATE INDEX ix_livery_pack_active_version ON livery_pack_active (version);

CREATE INDEX ix_livery_pack_active_revision ON livery_pack_active (revision);

CREATE TABLE livery_pack_change (
	id VARCHAR(40) NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	tenant VARCHAR(200) NOT NULL, 
	pack VARCHAR(64) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	"before" VARCHAR(40) NOT NULL, 
	"after" VARCHAR(40) NOT NULL, 
	before_name VARCHAR(100) NOT NULL, 
	after_name VARCHAR(100) NOT NULL, 
	note TEXT NOT NULL, 
	used VARCHAR(64), 
	is_used INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_livery_pack_change PRIMARY KEY (id)
);

CREATE INDEX ix_livery_pack_change_tenant_pack ON livery_pack_change (tenant, pack);

CREATE TABLE livery_stencil (
	name VARCHAR(64) NOT NULL, 
	seal VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	made_at BIGINT NOT NULL, 
	CONSTRAINT pk_livery_stencil PRIMARY KEY (name)
);

CREATE INDEX ix_livery_stencil_made_at ON livery_stencil (made_at);

CREATE TABLE livery_api_token (
	id VARCHAR(40) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	shown VARCHAR(40) NOT NULL, 
	tenant VARCHAR(200), 
	roles TEXT NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	used_at BIGINT, 
	revoked_at BIGINT, 
	revoked_by VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_livery_api_token PRIMARY KEY (id), 
	CONSTRAINT uq_livery_api_token_digest UNIQUE (digest)
);

CREATE INDEX ix_livery_api_token_tenant ON livery_api_token (tenant);

CREATE TABLE livery_sign_in_link (
	digest VARCHAR(64) NOT NULL, 
	principal TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_livery_sign_in_link PRIMARY KEY (digest)
);

CREATE TABLE livery_pace (
	"key" VARCHAR(310) NOT NULL, 
	free BIGINT NOT NULL, 
	line BIGINT NOT NULL, 
	CONSTRAINT pk_livery_pace PRIMARY KEY ("key")
);

CREATE TABLE livery_session (
	id VARCHAR(40) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	principal TEXT NOT NULL, 
	tenant VARCHAR(200), 
	source VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	CONSTRAINT pk_livery_session PRIMARY KEY (id), 
	CONSTRAINT uq_livery_session_digest UNIQUE (digest)
);

CREATE INDEX ix_livery_session_ends_at ON livery_session (ends_at);

CREATE TABLE livery_generation (
	name VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_livery_generation PRIMARY KEY (name)
);

CREATE INDEX ix_livery_event_tenant_key ON livery_event (tenant, "key")
