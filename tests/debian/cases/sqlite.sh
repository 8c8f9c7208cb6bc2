# SPDX-License-Identifier: Apache-2.0
# sqlite3: 100,000 inserts with a rollback journal and with a write-ahead log; integrity afterwards.
for mode in delete wal; do
  sqlite3 "$mode.db" "pragma journal_mode=$mode; create table t(a integer primary key, b text); create index i on t(b);
    with recursive c(x) as (select 1 union all select x + 1 from c where x < 100000) insert into t select x, hex(x * 7919) from c;
    select count(*), sum(a), max(b) from t; pragma integrity_check"
  sqlite3 "$mode.db" "begin; delete from t where a % 3 = 0; rollback; delete from t where a % 2 = 0; vacuum; select count(*) from t; pragma integrity_check"
done
for i in $(seq 1 20); do echo "insert into t values($((i * 2)), 'one by one');"; done | sqlite3 wal.db
(for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' wal.db "insert into t values($((1000000 + i)), 'a')"; done) &
(for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' wal.db "insert into t values($((2000000 + i)), 'b')"; done) &
wait
sqlite3 wal.db "select b, count(*) from t where length(b) < 2 or b like 'one%' group by b order by b; pragma integrity_check"
sqlite3 delete.db .dump | sqlite3 again.db; sqlite3 again.db 'select count(*), sum(length(b)) from t; pragma integrity_check'
sqlite3 -csv -header delete.db 'select * from t limit 2'; sqlite3 delete.db 'select nothing' 2>&1; echo $?
printf 'begin exclusive;\n.shell sqlite3 delete.db "insert into t values(2, 3)" 2>&1\n' | sqlite3 delete.db
