# SPDX-License-Identifier: MIT
# sqlite3: a mapped database file in WAL mode: bulk inserts, indices, joins,
# window functions, JSON, updates, vacuum and the integrity check

prepare()
{
	numbers 20000 | awk '{
		printf "%d,%d,", NR, $1 % 500
		printf "name %d of %d,%.3f\n", $1, NR, $1 / 7919
	}' >rows.csv
}

run()
{
	sqlite3 -batch test.db <<-END
	pragma mmap_size = 268435456;
	pragma journal_mode = wal;
	pragma synchronous = off;
	create table t(id integer primary key, grp int, name text, x real);
	.mode csv
	.import $IN/rows.csv t
	.mode list
	create index t_grp on t(grp, x);
	create index t_name on t(name);
	select count(*), sum(grp), max(name) from t;
	select grp, count(*), round(avg(x), 3) from t group by grp
		order by 2 desc, 1 limit 5;
	select count(*) from t a join t b on a.grp = b.grp and a.id < b.id;
	select sum(r) from
		(select rank() over (partition by grp order by x) r from t);
	with recursive f(a, b) as (select 1, 1 union all
			select b, (a + b) % 1000003 from f limit 20000)
		select sum(a) from f;
	create table j as select grp, json_group_array(
		json_object('id', id, 'name', name)) doc from t group by grp;
	select sum(length(json_extract(doc, '\$[0].name'))),
		sum(json_array_length(doc)) from j;
	select count(*), sum(json_extract(value, '\$.id'))
		from j, json_each(j.doc);
	update t set name = upper(name) || '/' || grp where id % 3 = 0;
	delete from t where id % 7 = 0;
	select group_concat(name, ';') from
		(select name from t where grp < 2 order by name);
	vacuum;
	pragma integrity_check;
	END
}

verify()
{
	sqlite3 test.db .dump | cksum
}
