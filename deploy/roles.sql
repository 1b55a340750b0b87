-- The database, the roles and the schemas of Xuefen, for `psql` as an administrator. Safe to repeat.
--
--   XUEFEN_REGISTRY_PASSWORD=... XUEFEN_REGISTRY_OWNER_PASSWORD=... (and so on, see .env.example) \
--     psql "postgresql://postgres@host/postgres" --no-psqlrc --file=roles.sql
--
-- Each service has two roles. `xuefen_<service>_owner` owns the schema, makes and alters tables, and is used by
-- `xuefen migrate` alone. `xuefen_<service>` is what the running service connects as: it cannot make tables, and
-- may not UPDATE, DELETE or TRUNCATE events; the migrations settle that table by table. Roles belong to the whole
-- server: a role that exists keeps its password unless XUEFEN_RESET_PASSWORDS is set.

\set ON_ERROR_STOP on
\set QUIET on

\getenv registry_password XUEFEN_REGISTRY_PASSWORD
\getenv registry_owner_password XUEFEN_REGISTRY_OWNER_PASSWORD
\getenv ledger_password XUEFEN_LEDGER_PASSWORD
\getenv ledger_owner_password XUEFEN_LEDGER_OWNER_PASSWORD
\getenv transfer_password XUEFEN_TRANSFER_PASSWORD
\getenv transfer_owner_password XUEFEN_TRANSFER_OWNER_PASSWORD
\getenv sync_password XUEFEN_SYNC_PASSWORD
\getenv sync_owner_password XUEFEN_SYNC_OWNER_PASSWORD
\getenv console_password XUEFEN_CONSOLE_PASSWORD
\getenv console_owner_password XUEFEN_CONSOLE_OWNER_PASSWORD
\set reset_passwords ''
\getenv reset_passwords XUEFEN_RESET_PASSWORDS

create temporary table wanted (role text primary key, password text not null check (password <> ''));
insert into wanted values
    ('xuefen_registry', :'registry_password'),
    ('xuefen_registry_owner', :'registry_owner_password'),
    ('xuefen_ledger', :'ledger_password'),
    ('xuefen_ledger_owner', :'ledger_owner_password'),
    ('xuefen_transfer', :'transfer_password'),
    ('xuefen_transfer_owner', :'transfer_owner_password'),
    ('xuefen_sync', :'sync_password'),
    ('xuefen_sync_owner', :'sync_owner_password'),
    ('xuefen_console', :'console_password'),
    ('xuefen_console_owner', :'console_owner_password');

select format('create role %I with login nosuperuser nocreatedb nocreaterole noreplication password %L', role, password)
  from wanted where role not in (select rolname from pg_roles) order by role \gexec

select format('alter role %I with password %L', role, password)
  from wanted where :'reset_passwords' <> '' order by role \gexec

drop table wanted;

select 'create database xuefen template template0 encoding ''UTF8'''
 where not exists (select from pg_database where datname = 'xuefen') \gexec

revoke all on database xuefen from public;
grant connect, temporary on database xuefen to
    xuefen_registry, xuefen_registry_owner,
    xuefen_ledger, xuefen_ledger_owner,
    xuefen_transfer, xuefen_transfer_owner,
    xuefen_sync, xuefen_sync_owner,
    xuefen_console, xuefen_console_owner;

-- An administrator who is no superuser must be a member of a role to make a schema that it owns.
select format('grant %I to current_user', rolname)
  from pg_roles
 where rolname in
    ('xuefen_registry_owner', 'xuefen_ledger_owner', 'xuefen_transfer_owner', 'xuefen_sync_owner', 'xuefen_console_owner')
   and not (select rolsuper from pg_roles where rolname = current_user)
 order by rolname \gexec

\connect xuefen

set client_min_messages = warning;

create schema if not exists registry authorization xuefen_registry_owner;
create schema if not exists ledger authorization xuefen_ledger_owner;
create schema if not exists transfer authorization xuefen_transfer_owner;
create schema if not exists sync authorization xuefen_sync_owner;
create schema if not exists console authorization xuefen_console_owner;

grant usage on schema registry to xuefen_registry;
grant usage on schema ledger to xuefen_ledger;
grant usage on schema transfer to xuefen_transfer;
grant usage on schema sync to xuefen_sync;
grant usage on schema console to xuefen_console;

alter default privileges for role xuefen_registry_owner in schema registry
    grant select, insert, update, delete on tables to xuefen_registry;
alter default privileges for role xuefen_registry_owner in schema registry
    grant usage, select on sequences to xuefen_registry;

alter default privileges for role xuefen_ledger_owner in schema ledger
    grant select, insert, update, delete on tables to xuefen_ledger;
alter default privileges for role xuefen_ledger_owner in schema ledger
    grant usage, select on sequences to xuefen_ledger;

alter default privileges for role xuefen_transfer_owner in schema transfer
    grant select, insert, update, delete on tables to xuefen_transfer;
alter default privileges for role xuefen_transfer_owner in schema transfer
    grant usage, select on sequences to xuefen_transfer;

alter default privileges for role xuefen_sync_owner in schema sync
    grant select, insert, update, delete on tables to xuefen_sync;
alter default privileges for role xuefen_sync_owner in schema sync
    grant usage, select on sequences to xuefen_sync;

alter default privileges for role xuefen_console_owner in schema console
    grant select, insert, update, delete on tables to xuefen_console;
alter default privileges for role xuefen_console_owner in schema console
    grant usage, select on sequences to xuefen_console;
