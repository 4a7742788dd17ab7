-- SPDX-License-Identifier: MIT
-- Rows, indices, joins, window functions, JSON and text in memory.
pragma temp_store = memory;
create table t(id integer primary key, grp int, name text, x real);
with recursive n(i, r) as (
	select 1, 16807 union all
	select i + 1, r * 16807 % 2147483647 from n limit 60000)
insert into t select i, r % 700, printf('name %d of %d', r, i), r / 7919.0 from n;
create index t_grp on t(grp, x);
create index t_name on t(name);
select count(*), sum(grp), max(name) from t;
select grp, count(*), round(avg(x), 3) from t group by grp order by 2 desc, 1 limit 5;
select count(*) from t a join t b on a.grp = b.grp and a.id < b.id;
select sum(r) from (select rank() over (partition by grp order by x) r from t);
create table j as select grp,
	json_group_array(json_object('id', id, 'name', name)) doc from t group by grp;
select sum(length(json_extract(doc, '$[0].name'))), sum(json_array_length(doc)) from j;
select count(*), sum(json_extract(value, '$.id')) from j, json_each(j.doc);
update t set name = upper(name) || '/' || grp where id % 3 = 0;
delete from t where id % 7 = 0;
select length(group_concat(name, ';')) from (select name from t order by name);
vacuum;
pragma integrity_check;
