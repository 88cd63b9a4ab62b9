--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: __diesel_schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.__diesel_schema_migrations (
    version character varying(50) NOT NULL,
    run_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);


--
-- Name: account_grams; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_grams (
    org bigint NOT NULL,
    account bigint NOT NULL,
    grams bigint[] NOT NULL
);


--
-- Name: accounts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.accounts (
    org bigint NOT NULL,
    account bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    name_reading text COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    attributes text NOT NULL COLLATE pg_catalog."C",
    sharing_mode bigint,
    sharing_roles text NOT NULL COLLATE pg_catalog."C",
    create_time bigint NOT NULL,
    update_time bigint NOT NULL,
    revision bigint NOT NULL,
    heading bigint NOT NULL,
    sort_key bytea NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    search_text text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: associations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.associations (
    org bigint NOT NULL,
    contact bigint NOT NULL,
    account bigint NOT NULL,
    is_primary boolean NOT NULL,
    sees_account_tickets boolean NOT NULL,
    role text NOT NULL COLLATE pg_catalog."C",
    create_time bigint NOT NULL,
    revision bigint NOT NULL
);


--
-- Name: change_set_parts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_set_parts (
    org bigint NOT NULL,
    revision bigint NOT NULL,
    part bigint NOT NULL,
    payload bytea NOT NULL
);


--
-- Name: change_sets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_sets (
    org bigint NOT NULL,
    revision bigint NOT NULL,
    create_time bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    command text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    job bigint,
    request_id text COLLATE pg_catalog."C",
    nonce bigint NOT NULL,
    format bigint NOT NULL,
    parts bigint NOT NULL
);


--
-- Name: contact_grams; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.contact_grams (
    org bigint NOT NULL,
    contact bigint NOT NULL,
    grams bigint[] NOT NULL
);


--
-- Name: contacts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.contacts (
    org bigint NOT NULL,
    contact bigint NOT NULL,
    family_name text NOT NULL COLLATE pg_catalog."C",
    given_name text COLLATE pg_catalog."C",
    family_name_reading text COLLATE pg_catalog."C",
    given_name_reading text COLLATE pg_catalog."C",
    emails text NOT NULL COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    attributes text NOT NULL COLLATE pg_catalog."C",
    blocked boolean NOT NULL,
    create_time bigint NOT NULL,
    update_time bigint NOT NULL,
    revision bigint NOT NULL,
    heading bigint NOT NULL,
    sort_key bytea NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    search_text text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: gram_stretches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gram_stretches (
    org bigint NOT NULL,
    kind bigint NOT NULL,
    gram bigint NOT NULL,
    stretch bytea NOT NULL
);


--
-- Name: heading_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.heading_counts (
    org bigint NOT NULL,
    kind bigint NOT NULL,
    heading bigint NOT NULL,
    counted bigint NOT NULL
);


--
-- Name: import_rejects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import_rejects (
    org bigint NOT NULL,
    import bigint NOT NULL,
    number bigint NOT NULL,
    header text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    message text NOT NULL COLLATE pg_catalog."C",
    cells text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: imports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.imports (
    org bigint NOT NULL,
    import bigint NOT NULL,
    kind bigint NOT NULL,
    state bigint NOT NULL,
    failure bigint,
    server bigint NOT NULL,
    headers text NOT NULL COLLATE pg_catalog."C",
    rows_total bigint NOT NULL,
    rows_read bigint NOT NULL,
    rows_created bigint NOT NULL,
    rows_updated bigint NOT NULL,
    rows_unchanged bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    accounts_created bigint NOT NULL,
    contacts_created bigint NOT NULL,
    revision bigint NOT NULL,
    nonce bigint NOT NULL,
    create_time bigint NOT NULL,
    end_time bigint
);


--
-- Name: organizations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organizations (
    org bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    revision bigint DEFAULT 0 NOT NULL,
    nonce bigint DEFAULT 0 NOT NULL,
    next_account bigint DEFAULT 1 NOT NULL,
    next_contact bigint DEFAULT 1 NOT NULL,
    next_ticket bigint DEFAULT 1 NOT NULL,
    next_import bigint DEFAULT 1 NOT NULL,
    derivation bigint NOT NULL,
    settings_revision bigint DEFAULT 0 NOT NULL,
    settings bytea
);


--
-- Name: organizations_org_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.organizations ALTER COLUMN org ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.organizations_org_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: request_answers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.request_answers (
    org bigint NOT NULL,
    caller text NOT NULL COLLATE pg_catalog."C",
    rpc text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    hash bytea NOT NULL,
    answer bytea NOT NULL,
    expire_time bigint NOT NULL
);


--
-- Name: store; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.store (
    one bigint NOT NULL,
    store_id bytea NOT NULL,
    page_key bytea NOT NULL,
    preview_key bytea NOT NULL,
    CONSTRAINT store_one_check CHECK ((one = 1))
);


--
-- Name: ticket_copies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ticket_copies (
    org bigint NOT NULL,
    ticket bigint NOT NULL,
    contact bigint NOT NULL,
    "position" bigint NOT NULL,
    create_time bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: tickets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tickets (
    org bigint NOT NULL,
    ticket bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    requester bigint NOT NULL,
    account bigint,
    subject text NOT NULL COLLATE pg_catalog."C",
    closed boolean NOT NULL,
    is_private boolean NOT NULL,
    create_time bigint NOT NULL,
    revision bigint NOT NULL
);


--
-- Name: unique_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.unique_keys (
    org bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    owner bigint NOT NULL
);


--
-- Data for Name: __diesel_schema_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.__diesel_schema_migrations VALUES ('00000000000001', '2026-11-28 15:31:19.811395');


--
-- Data for Name: account_grams; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.account_grams VALUES (1, 1, '{4398109438084,4398109449329,4398109452330,4398147174448,4398147174449,4398256226352,4424080568416,4424093151358,4440513870142,4447675643184,4449080725274,4453969190671,4463137938545,6734508720162}');
INSERT INTO public.account_grams VALUES (1, 2, '{4398109425761,4398147174448,4398147174450,4398249934947,4398254129261,4398256226352,4398258323564,4398273003636,4398275100773,4398289780836,6734508720129}');
INSERT INTO public.account_grams VALUES (1, 3, '{4398109445968,4398109452041,4440513870142,4440627119588,4453363127888,4463137935184,4478744940314,6734508720166}');
INSERT INTO public.account_grams VALUES (1, 4, '{4398109463092,4398147174448,4398147174457,4398256226352,4443827363479,4453428122950,4476538742568,6734508720166}');
INSERT INTO public.account_grams VALUES (1, 5, '{4398109465304,4398147174448,4398147174449,4398149271600,4398256226352,4481177643595,6734508720166}');


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.accounts VALUES (1, 1, '株式会社山田', 'やまだ', 'D0001', '{"業種":"製造"}', 4, '[]', 1795879882073796, 1795879882073796, 2, 34, '\x225f4e44260143ae0108', '株式会社山田', '株式会社山田山田やまだd0001');
INSERT INTO public.accounts VALUES (1, 2, 'Acme Ltd', NULL, 'D0002', '{}', 3, '["部長"]', 1795879882080460, 1795879882080460, 3, 1, '\x012b2f433301080108', 'acme ltd', 'acmeltdd0002');
INSERT INTO public.accounts VALUES (1, 3, '有限会社佐藤', NULL, NULL, '{}', NULL, '[]', 1795879882084604, 1795879882084604, 4, 38, '\x26c269c6c801060106', '有限会社佐藤', '有限会社佐藤佐藤');
INSERT INTO public.accounts VALUES (1, 4, '鈴木商店', NULL, 'D0009', '{}', NULL, '[]', 1795879882152232, 1795879882152232, 14, 38, '\x26ca08c939c3d5c68001080108', '鈴木商店', '鈴木商店d0009');
INSERT INTO public.accounts VALUES (1, 5, '高橋', NULL, 'D0010', '{}', NULL, '[]', 1795879882152232, 1795879882152232, 14, 38, '\x26c239c0ef01060106', '高橋', '高橋d0010');


--
-- Data for Name: associations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.associations VALUES (1, 1, 1, true, true, '部長', 1795879882105483, 8);
INSERT INTO public.associations VALUES (1, 2, 1, true, true, '部長', 1795879882105483, 8);
INSERT INTO public.associations VALUES (1, 1, 2, false, false, '部長', 1795879882110238, 9);
INSERT INTO public.associations VALUES (1, 3, 2, true, false, '部長', 1795879882110238, 9);
INSERT INTO public.associations VALUES (1, 3, 3, false, false, '', 1795879882269088, 15);


--
-- Data for Name: change_set_parts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.change_set_parts VALUES (1, 1, 0, '\x28b52ffd24200101000a1e0805220710ac02180120022a11080110ac02180120022a06e983a8e995b70c734657');
INSERT INTO public.change_set_parts VALUES (1, 2, 0, '\x28b52ffd2454a102000a52080110012a4c0a12e6a0aae5bc8fe4bc9ae7a4bee5b1b1e794b01209e38284e381bee381a01a05443030303122100a06e6a5ade7a8ae1206e8a3bde980a0280438c4cdb8f3fdaa980340c4cdb8f3fdaa98034fc8ab3d');
INSERT INTO public.change_set_parts VALUES (1, 3, 0, '\x28b52ffd2435a901000a33080110022a2d0a0841636d65204c74641a05443030303228033206e983a8e995b738cc81b9f3fdaa980340cc81b9f3fdaa980340514527');
INSERT INTO public.change_set_parts VALUES (1, 4, 0, '\x28b52ffd242e7101000a2c080110032a260a12e69c89e99990e4bc9ae7a4bee4bd90e897a438fca1b9f3fdaa980340fca1b9f3fdaa9803414e42df');
INSERT INTO public.change_set_parts VALUES (1, 5, 0, '\x28b52ffd246815030084050a66080210012a600a06e794b0e4b8ad1206e5a4aae9838e1a09e3819fe381aae3818b22828de381862a1174616e616b61406578616d706c652e6a702a0f7461726f3202433148ddc1b9f3fdaa980350ddc1b9f3fdaa98030200d234475fe509cc34bceb');
INSERT INTO public.change_set_parts VALUES (1, 6, 0, '\x28b52ffd2435a901000a33080210022a2d0a03e69e972a1268617961736869406578616d706c652e6a70400148a3ffb9f3fdaa980350a3ffb9f3fdaa98039dbb3859');
INSERT INTO public.change_set_parts VALUES (1, 7, 0, '\x28b52ffd24494902000a47080210032a410a05536d69746812044a6f686e2a11736d697468406578616d706c652e636f6d3a0d0a056c6576656c1204676f6c6448e79dbaf3fdaa980350e79dbaf3fdaa9803f468ba42');
INSERT INTO public.change_set_parts VALUES (1, 8, 0, '\x28b52ffd243e6d010054020a1d0803100118012a15080110011a06e983a8e995b7208bc5baf3fdaa98030a1d080310020100158b7a020036d8ad');
INSERT INTO public.change_set_parts VALUES (1, 9, 0, '\x28b52ffd24387d010074020a190803100118022a111a06e983a8e995b7209eeabaf3fdaa98030a1b0803100318022a130801010007b37a0253d74d44');
INSERT INTO public.change_set_parts VALUES (1, 10, 0, '\x28b52ffd24318901000a2f080410012a290a03542d31100118012212e58db0e588b7e381a7e3818de381aae381843a010340a09cbbf3fdaa9803cce7c78e');
INSERT INTO public.change_set_parts VALUES (1, 11, 0, '\x28b52ffd24284101000a26080410022a200a03542d3210031802220a4e6f206e6574776f726b300140e0e8bbf3fdaa980361c32e8b');
INSERT INTO public.change_set_parts VALUES (1, 12, 0, '\x28b52ffd241ce100000a1a080410032a140a03542d3310021801280140c98bbcf3fdaa98030b5ee0f6');
INSERT INTO public.change_set_parts VALUES (1, 13, 0, '\x28b52ffd241ad100000a18080410042a120a03542d341001180240ceacbcf3fdaa9803f2e5991d');
INSERT INTO public.change_set_parts VALUES (1, 14, 0, '\x28b52ffd24582d020094030a2d080110042a270a0ce988b4e69ca8e59586e5ba971a05443030303938a8b2bdf3fdaa9803400a27080110052a210a06e9ab98e6a98b31300300c031a6da3adff2041c81afa6');
INSERT INTO public.change_set_parts VALUES (1, 15, 0, '\x28b52ffd24139900000a110803100318032a0920a0c3c4f3fdaa9803e9360758');


--
-- Data for Name: change_sets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.change_sets VALUES (1, 1, 1795879882067938, 'local', 'UpdateSettings', 'rpc', NULL, 'a48096437bc390d1629d0ca1c2eb06f9', -5387665797551372997, 1, 1);
INSERT INTO public.change_sets VALUES (1, 2, 1795879882073796, 'local', 'CreateAccount', 'rpc', NULL, '4da9ce132755dabdb2c628dd7c8ffe70', -5000886701856771937, 1, 1);
INSERT INTO public.change_sets VALUES (1, 3, 1795879882080460, 'local', 'CreateAccount', 'rpc', NULL, 'c11655df5212d5caec026a0e6941c1dc', 7077988790023882875, 1, 1);
INSERT INTO public.change_sets VALUES (1, 4, 1795879882084604, 'local', 'CreateAccount', 'rpc', NULL, '149cba01574b058460cc44f8b4441755', -8471846498306135067, 1, 1);
INSERT INTO public.change_sets VALUES (1, 5, 1795879882088669, 'local', 'CreateContact', 'rpc', NULL, '1d5a0a27caee64b183115b3662c4f503', 3673790330745444705, 1, 1);
INSERT INTO public.change_sets VALUES (1, 6, 1795879882096547, 'local', 'CreateContact', 'rpc', NULL, '8aac693b72a8b149b6ca4d15fd165c21', -5307761806380850133, 1, 1);
INSERT INTO public.change_sets VALUES (1, 7, 1795879882100455, 'local', 'CreateContact', 'rpc', NULL, '2fe199549a9f6b0b953c2b902df0b943', -8460487026955062169, 1, 1);
INSERT INTO public.change_sets VALUES (1, 8, 1795879882105483, 'local', 'AssociateContacts', 'rpc', NULL, 'a0992409a29848d773a6d2b1da498b18', 7883457148938190769, 1, 1);
INSERT INTO public.change_sets VALUES (1, 9, 1795879882110238, 'local', 'AssociateContacts', 'rpc', NULL, 'b7779eb919ecfdede721c6c28d301a82', 174493990286574469, 1, 1);
INSERT INTO public.change_sets VALUES (1, 10, 1795879882116640, 'local', 'RecordTickets', 'rpc', NULL, '2a4ec3e47c152e47c50b8cb5d31c2ef6', -2948197238918426773, 1, 1);
INSERT INTO public.change_sets VALUES (1, 11, 1795879882126432, 'local', 'RecordTickets', 'rpc', NULL, '14a0148464e1e951a29c9c988abf6ca3', 6884990179403399447, 1, 1);
INSERT INTO public.change_sets VALUES (1, 12, 1795879882130889, 'local', 'RecordTickets', 'rpc', NULL, '7cfc210ffcb6a7403325fe72dd3876a4', 6365968220390729407, 1, 1);
INSERT INTO public.change_sets VALUES (1, 13, 1795879882135118, 'local', 'RecordTickets', 'rpc', NULL, '5b6d05ff7080d0361f18e777bd1c0f41', 7593554659896370839, 1, 1);
INSERT INTO public.change_sets VALUES (1, 14, 1795879882152232, 'local', 'Import', 'import', 1, NULL, -8255219623317891439, 1, 1);
INSERT INTO public.change_sets VALUES (1, 15, 1795879882269088, 'local', 'Import', 'import', 2, NULL, 6594554731902353433, 1, 1);


--
-- Data for Name: contact_grams; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.contact_grams VALUES (1, 1, '{4398109438047,4398109455664,4398142980202,4398180728933,4398249934912,4398249934955,4398249934957,4398249934958,4398249934962,4398254129201,4398258323502,4398258323576,4398268809328,4398270906465,4398273003621,4398275100784,4398277197921,4398279295040,4398281392236,4398285586543,4398289780833,4398298169441,4423973613663,4424015556714,4424015556749,4424038625355,4424112025670,4440016836906,4445916139726,4460961091117,6734508720158}');
INSERT INTO public.contact_grams VALUES (1, 2, '{4398109452183,4398142980202,4398180728933,4398249934957,4398249934963,4398249934969,4398258323502,4398258323576,4398264615009,4398264615017,4398266712128,4398268809328,4398273003621,4398275100784,4398281392236,4398287683688,4398298169441,4398300266593,6734508720166}');
INSERT INTO public.contact_grams VALUES (1, 3, '{4398109425779,4398142980195,4398180728933,4398249934957,4398254129263,4398258323502,4398258323576,4398264614976,4398264615018,4398264615022,4398266712180,4398268809327,4398273003621,4398275100777,4398275100784,4398277197939,4398279295080,4398279295085,4398281392236,4398287683693,4398289780840,4398298169441,6734508720147}');


--
-- Data for Name: contacts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.contacts VALUES (1, 1, '田中', '太郎', 'たなか', 'たろう', '["tanaka@example.jp","taro@example.jp"]', 'C1', '{}', false, 1795879882088669, 1795879882088669, 5, 30, '\x1e5f26301203045f26600a010b010b', '田中太郎', '田中太郎たなかたろうtanaka@example.jptaro@example.jpc1');
INSERT INTO public.contacts VALUES (1, 2, '林', NULL, NULL, NULL, '["hayashi@example.jp"]', NULL, '{}', true, 1795879882096547, 1795879882096547, 6, 38, '\x26c9ee01050105', '林', '林hayashi@example.jp');
INSERT INTO public.contacts VALUES (1, 3, 'Smith', 'John', NULL, NULL, '["smith@example.com"]', NULL, '{"level":"gold"}', false, 1795879882100455, 1795879882100455, 7, 19, '\x134f433b5139043d473945010e010e', 'smithjohn', 'smithjohnjohnsmithsmith@example.com');


--
-- Data for Name: gram_stretches; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.gram_stretches VALUES (1, 1, 62926980, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 62938225, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 62941226, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 26034057312, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 26046640254, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 42467359038, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 49629132080, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 51034214170, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 55922679567, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 65091427441, '\x225f4e4426');
INSERT INTO public.gram_stretches VALUES (1, 1, 62914657, '\x012b2f4333');
INSERT INTO public.gram_stretches VALUES (1, 1, 62934864, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 62940937, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 42467359038, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 42580608484, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 55316616784, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 65091424080, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 1, 80698429210, '\x26c269c6c8');
INSERT INTO public.gram_stretches VALUES (1, 2, 62926943, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 62944560, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 25927102559, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 25969045610, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 25969045645, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 25992114251, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 26065514566, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 41970325802, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 47869628622, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 62914580013, '\x1e5f263012');
INSERT INTO public.gram_stretches VALUES (1, 2, 62941079, '\x26c9ee0105');
INSERT INTO public.gram_stretches VALUES (1, 2, 62914675, '\x134f433b51');
INSERT INTO public.gram_stretches VALUES (1, 1, 62951988, '\x26ca08c939');
INSERT INTO public.gram_stretches VALUES (1, 1, 62954200, '\x26c239c0ef');
INSERT INTO public.gram_stretches VALUES (1, 1, 45780852375, '\x26ca08c939');
INSERT INTO public.gram_stretches VALUES (1, 1, 55381611846, '\x26ca08c939');
INSERT INTO public.gram_stretches VALUES (1, 1, 78492231464, '\x26ca08c939');
INSERT INTO public.gram_stretches VALUES (1, 1, 83131132491, '\x26c239c0ef');


--
-- Data for Name: heading_counts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.heading_counts VALUES (1, 1, 34, 1);
INSERT INTO public.heading_counts VALUES (1, 1, 1, 1);
INSERT INTO public.heading_counts VALUES (1, 2, 30, 1);
INSERT INTO public.heading_counts VALUES (1, 2, 38, 1);
INSERT INTO public.heading_counts VALUES (1, 2, 19, 1);
INSERT INTO public.heading_counts VALUES (1, 1, 38, 3);


--
-- Data for Name: import_rejects; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: imports; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.imports VALUES (1, 1, 1, 2, NULL, 7495009429863445087, '[["取引先名","account.name"],["外部ID","account.external_id"]]', 2, 2, 2, 0, 0, 0, 0, 0, 14, -8255219623317891439, 1795879882150152, 1795879882152232);
INSERT INTO public.imports VALUES (1, 2, 3, 2, NULL, 7495009429863445087, '[["連絡先ID","contact.id"],["取引先ID","account.id"],["メイン","association.primary"]]', 1, 1, 1, 0, 0, 0, 0, 0, 15, 6594554731902353433, 1795879882265022, 1795879882269088);


--
-- Data for Name: organizations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.organizations OVERRIDING SYSTEM VALUE VALUES (1, 'default', 15, 6594554731902353433, 6, 4, 5, 3, 2, 1, '\x080110ac02180120022a06e983a8e995b7');


--
-- Data for Name: request_answers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.request_answers VALUES (1, 'local', 'UpdateSettings', 'a48096437bc390d1629d0ca1c2eb06f9', '\xb89ea81ff88b1a0b57103bd36729e85357d3e37de4def6eb57ec6489be71dabe', '\x0a15080110ac02180120022a06e983a8e995b742027231123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414274547371674a4274785473', 1795969882067938);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateAccount', '4da9ce132755dabdb2c628dd7c8ffe70', '\x92fbf0b4d482f659da9c08932c79f387b1fb5d315bb4f3f3804be280f52ba443', '\x0a5c0a0261311212e6a0aae5bc8fe4bc9ae7a4bee5b1b1e794b01a09e38284e381bee381a0220544303030312a100a06e6a5ade7a8ae1206e8a3bde980a03004420272324a0b08cae7abd80610a0939823520b08cae7abd80610a0939823123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414375706c49436c33614d4a38', 1795969882073796);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateAccount', 'c11655df5212d5caec026a0e6941c1dc', '\x1f23b681a59d8ecc6d02b27f56933093471cc08e0f7d982b768e2309f86db58d', '\x0a3d0a026132120841636d65204c74642205443030303230033a06e983a8e995b7420272334a0b08cae7abd80610e0f1ae26520b08cae7abd80610e0f1ae26123741576e364458476a415072535f73773875344a314c337633683248506a445968364141414141414141414144596a6f5254634753434873', 1795969882080460);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateAccount', '149cba01574b058460cc44f8b4441755', '\xc676380381af96815c6c08a92612aad5c68ef2ecf4ec041a6a2fb02a05a620df', '\x0a360a0261331212e69c89e99990e4bc9ae7a4bee4bd90e897a4420272344a0b08cae7abd80610e0e8ab28520b08cae7abd80610e0e8ab28123741576e364458476a415072535f73773875344a314c337633683248506a445968364141414141414141414145696d333066747a54612d55', 1795969882084604);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateContact', '1d5a0a27caee64b183115b3662c4f503', '\x84ae457a2557df7f5757fa54d05c7eab612f7094136605731e1d59840a6e1832', '\x0a700a0263311206e794b0e4b8ad1a06e5a4aae9838e2209e3819fe381aae3818b2a09e3819fe3828de38186321174616e616b61406578616d706c652e6a70320f7461726f406578616d706c652e6a703a024331520272355a0b08cae7abd80610c8f6a32a620b08cae7abd80610c8f6a32a123741576e364458476a415072535f73773875344a314c337633683248506a4459683641414141414141414141464d76767331317459325745', 1795969882088669);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateContact', '8aac693b72a8b149b6ca4d15fd165c21', '\x292038e57c1b65f163d96cc7865c310189385ee3c1876af00bdf004a23867a57', '\x0a3d0a0263321203e69e97321268617961736869406578616d706c652e6a704801520272365a0b08cae7abd80610b8e1842e620b08cae7abd80610b8e1842e123741576e364458476a415072535f73773875344a314c337633683248506a445968364141414141414141414147746c634b776b4a49704373', 1795969882096547);
INSERT INTO public.request_answers VALUES (1, 'local', 'CreateContact', '2fe199549a9f6b0b953c2b902df0b943', '\xdc4e84be88568261c83f7cff6ceee9d1b8ebdac4a57f9cf7ba204562d8d4dcaa', '\x0a510a0263331205536d6974681a044a6f686e3211736d697468406578616d706c652e636f6d420d0a056c6576656c1204676f6c64520272375a0b08cae7abd80610d8a4f32f620b08cae7abd80610d8a4f32f123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414869705a50332d4f4b394763', 1795969882100455);
INSERT INTO public.request_answers VALUES (1, 'local', 'AssociateContacts', 'a0992409a29848d773a6d2b1da498b18', '\x484c2747bb5b6bd77feb42263f7c208ebe7b3959f236437586fc0c47281852cc', '\x0a2d0a02633110011a250a02613112026331180120012a06e983a8e995b7320272383a0b08cae7abd80610f895a6320a2d0a02633210011a250a02613112026332180120012a06e983a8e995b7320272383a0b08cae7abd80610f895a6321a3741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414962576571676a5235663745', 1795969882105483);
INSERT INTO public.request_answers VALUES (1, 'local', 'AssociateContacts', 'b7779eb919ecfdede721c6c28d301a82', '\xd67f10446c212ff98ff8d854fd04be86161623434305e81bc2b41cc1cb07bbdc', '\x0a290a02633110011a210a026132120263312a06e983a8e995b7320272393a0b08cae7abd80610b0b2c8340a2b0a02633310011a230a0261321202633318012a06e983a8e995b7320272393a0b08cae7abd80610b0b2c8341a3741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414a416d767458424a34773455', 1795969882110238);
INSERT INTO public.request_answers VALUES (1, 'local', 'RecordTickets', '2a4ec3e47c152e47c50b8cb5d31c2ef6', '\xc1934e3b9c26360a68011ad467376eba7024f59c8764d21567697bf50667a1cd', '\x0a3d0a390a03542d31120263311a0261312212e58db0e588b7e381a7e3818de381aae3818428013a026333420b08cae7abd806108092cf374a037231301001123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414b3178586d4f7a35367a3273', 1795969882116640);
INSERT INTO public.request_answers VALUES (1, 'local', 'RecordTickets', '14a0148464e1e951a29c9c988abf6ca3', '\xcd8f30dfeb3995915fe5b6fdd0ebb163ff33902ae2ea97132448e9b92d010210', '\x0a310a2f0a03542d32120263331a026132220a4e6f206e6574776f726b28013001420b08cae7abd8061080e6a43c4a03723131123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414c5834786d4677566b675263', 1795969882126432);
INSERT INTO public.request_answers VALUES (1, 'local', 'RecordTickets', '7cfc210ffcb6a7403325fe72dd3876a4', '\xd025e1cd1c4df53f72fd28d8e804603fa816744f3d6de0f800fbe080d09faf03', '\x0a250a210a03542d33120263321a0261312802420b08cae7abd80610a8eab43e4a037231321001123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414d57466832586a7651707238', 1795969882130889);
INSERT INTO public.request_answers VALUES (1, 'local', 'RecordTickets', '5b6d05ff7080d0361f18e777bd1c0f41', '\x862cc4938ac9403d923ffc13d98610d7df90a170850c2b926c2ad1947ad8fd84', '\x0a230a210a03542d34120263311a0261322801420b08cae7abd80610b0f9b6404a03723133123741576e364458476a415072535f73773875344a314c337633683248506a44596836414141414141414141414e6157473575785769707063', 1795969882135118);
INSERT INTO public.request_answers VALUES (1, 'local', 'StartImport', 'f59ca4966a8b7ee2a870d425f27fedfe', '\x5dbd2a89eca4cc4c70e33332965d1574f2c75bbf67612512b567319228523721', '\x0a026931100118012002621c0a0ce58f96e5bc95e58588e5908d120c6163636f756e742e6e616d65621f0a08e5a496e983a8494412136163636f756e742e65787465726e616c5f69647a0b08cae7abd80610c0c6cc47', 1795969882150152);
INSERT INTO public.request_answers VALUES (1, 'local', 'StartImport', 'ed9b6e843e8fc8d6c7270710ebe9467e', '\xc3ec189cc05e40acb5830ec987a37e4416fee3ab32286a5f4efc74cce187b443', '\x0a02693210031801200162190a0be980a3e7b5a1e585884944120a636f6e746163742e696462190a0be58f96e5bc95e585884944120a6163636f756e742e696462200a09e383a1e382a4e383b312136173736f63696174696f6e2e7072696d6172797a0b08cae7abd80610b0d4af7e', 1795969882265022);


--
-- Data for Name: store; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.store VALUES (1, '\x69fa0d71a300fad2fecc3cbb82752f7b', '\x76df27163dd97c0da65c316f40ff89210a58f6e182b9be6fcafc9ab827f6f3bd', '\x2415db3c4bc8257cba0d209df568ac907dfced15f9e4bc5c3ffadac421e50830');


--
-- Data for Name: ticket_copies; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ticket_copies VALUES (1, 1, 3, 0, 1795879882116640, 'T-1');


--
-- Data for Name: tickets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tickets VALUES (1, 1, 'T-1', 1, 1, '印刷できない', false, false, 1795879882116640, 10);
INSERT INTO public.tickets VALUES (1, 2, 'T-2', 3, 2, 'No network', false, true, 1795879882126432, 11);
INSERT INTO public.tickets VALUES (1, 3, 'T-3', 2, 1, '', true, false, 1795879882130889, 12);
INSERT INTO public.tickets VALUES (1, 4, 'T-4', 1, 2, '', false, false, 1795879882135118, 13);


--
-- Data for Name: unique_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.unique_keys VALUES (1, 'a:d0001', 1);
INSERT INTO public.unique_keys VALUES (1, 'a:d0002', 2);
INSERT INTO public.unique_keys VALUES (1, 'c:c1', 1);
INSERT INTO public.unique_keys VALUES (1, 'e:tanaka@example.jp', 1);
INSERT INTO public.unique_keys VALUES (1, 'e:taro@example.jp', 1);
INSERT INTO public.unique_keys VALUES (1, 'e:hayashi@example.jp', 2);
INSERT INTO public.unique_keys VALUES (1, 'e:smith@example.com', 3);
INSERT INTO public.unique_keys VALUES (1, 'a:d0009', 4);
INSERT INTO public.unique_keys VALUES (1, 'a:d0010', 5);


--
-- Name: organizations_org_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.organizations_org_seq', 1, true);


--
-- Name: __diesel_schema_migrations __diesel_schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: account_grams account_grams_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_grams
    ADD CONSTRAINT account_grams_pkey PRIMARY KEY (org, account);


--
-- Name: accounts accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (org, account);


--
-- Name: associations associations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.associations
    ADD CONSTRAINT associations_pkey PRIMARY KEY (org, contact, account);


--
-- Name: change_set_parts change_set_parts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_set_parts
    ADD CONSTRAINT change_set_parts_pkey PRIMARY KEY (org, revision, part);


--
-- Name: change_sets change_sets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_sets
    ADD CONSTRAINT change_sets_pkey PRIMARY KEY (org, revision);


--
-- Name: contact_grams contact_grams_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.contact_grams
    ADD CONSTRAINT contact_grams_pkey PRIMARY KEY (org, contact);


--
-- Name: contacts contacts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (org, contact);


--
-- Name: gram_stretches gram_stretches_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gram_stretches
    ADD CONSTRAINT gram_stretches_pkey PRIMARY KEY (org, kind, gram, stretch);


--
-- Name: heading_counts heading_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.heading_counts
    ADD CONSTRAINT heading_counts_pkey PRIMARY KEY (org, kind, heading);


--
-- Name: import_rejects import_rejects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_rejects
    ADD CONSTRAINT import_rejects_pkey PRIMARY KEY (org, import, number);


--
-- Name: imports imports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (org, import);


--
-- Name: organizations organizations_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_name_key UNIQUE (name);


--
-- Name: organizations organizations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (org);


--
-- Name: request_answers request_answers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.request_answers
    ADD CONSTRAINT request_answers_pkey PRIMARY KEY (org, caller, rpc, request_id);


--
-- Name: store store_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (one);


--
-- Name: ticket_copies ticket_copies_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ticket_copies
    ADD CONSTRAINT ticket_copies_pkey PRIMARY KEY (org, ticket, contact);


--
-- Name: tickets tickets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (org, ticket);


--
-- Name: unique_keys unique_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unique_keys
    ADD CONSTRAINT unique_keys_pkey PRIMARY KEY (org, key);


--
-- Name: account_grams_by_gram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX account_grams_by_gram ON public.account_grams USING gin (grams) WITH (gin_pending_list_limit='256');


--
-- Name: accounts_by_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX accounts_by_name ON public.accounts USING btree (org, name_key, ((external_id IS NOT NULL)));


--
-- Name: accounts_by_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX accounts_by_order ON public.accounts USING btree (org, sort_key, account);


--
-- Name: accounts_keys; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX accounts_keys ON public.accounts USING btree (org, account) INCLUDE (sort_key);


--
-- Name: associations_by_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX associations_by_account ON public.associations USING btree (org, account, contact);


--
-- Name: associations_one_primary; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX associations_one_primary ON public.associations USING btree (org, contact) WHERE is_primary;


--
-- Name: contact_grams_by_gram; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX contact_grams_by_gram ON public.contact_grams USING gin (grams) WITH (gin_pending_list_limit='256');


--
-- Name: contacts_by_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX contacts_by_name ON public.contacts USING btree (org, name_key, ((external_id IS NOT NULL)), ((emails <> '[]'::text)));


--
-- Name: contacts_by_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX contacts_by_order ON public.contacts USING btree (org, sort_key, contact);


--
-- Name: contacts_keys; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX contacts_keys ON public.contacts USING btree (org, contact) INCLUDE (sort_key);


--
-- Name: imports_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX imports_running ON public.imports USING btree (server) WHERE (state = 1);


--
-- Name: request_answers_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX request_answers_by_expiry ON public.request_answers USING btree (org, expire_time);


--
-- Name: ticket_copies_by_contact; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ticket_copies_by_contact ON public.ticket_copies USING btree (org, contact, create_time DESC, id);


--
-- Name: tickets_by_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tickets_by_account ON public.tickets USING btree (org, account, create_time DESC, id);


--
-- Name: tickets_by_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX tickets_by_id ON public.tickets USING btree (org, id);


--
-- Name: tickets_by_requester; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tickets_by_requester ON public.tickets USING btree (org, requester, create_time DESC, id);


--
-- Name: tickets_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tickets_by_time ON public.tickets USING btree (org, create_time DESC, id);


--
-- PostgreSQL database dump complete
--


