-- SPDX-License-Identifier: MIT
-- large.sql - tables in memory are filled, asked, thinned out and dropped: 20 to 60 MB.
pragma cache_size = -200000;
create table a (id integer primary key, name text, n integer, note text);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 40000)
insert into a select i, 'name ' || (i * 7919 % 10007), i % 997,
	hex(zeroblob(100 + i % 300)) from c;
create index a_name on a (name, n);
create table b as select n, count(*) as nr, group_concat(note) as notes
	from a where n % 7 = 0 group by n;
select count(*), sum(length(notes)) from b;
select count(*) from a x join a y on x.name = y.name where y.n % 50 = 5;
delete from a where n % 3 = 0;
select count(*) from a where note like '%0070%';
drop table b;
vacuum;
create table t (k text primary key, v blob) without rowid;
with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000)
insert into t select 'key ' || (i * 7919 % 20011), zeroblob(i % 2500) from c;
select sum(length(v)) from t where k > 'key 2';
drop table t;
with recursive c(i) as (select 1 union all select i + 1 from c where i < 30000)
insert into a select i + 1000000, hex(i * 104729), i % 101, hex(zeroblob(400)) from c;
select n, max(name), max(note) > 'a' from a group by n order by 2 limit 3;
drop table a;
vacuum;
