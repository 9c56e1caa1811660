#!/bin/bash
# Two real MariaDB servers at once, both on port 3306: each with its own address, its own
# /root/sql-dependencies by bind mount and its own data; asked from the host at both.
# Debian's own server, from the host's file system (a Mockerfile without FROM).
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

run_limit=120
declare -A address

# What a server reads when it starts: its own user, table and row.
sql_dependencies() {
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/init.sql" <<-END
		CREATE DATABASE IF NOT EXISTS shop;
		CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 'secret';
		GRANT ALL ON shop.* TO app@'%';
		CREATE TABLE IF NOT EXISTS shop.whoami (name VARCHAR(20));
		INSERT INTO shop.whoami VALUES ('$1');
	END
}

set_up() {
	needs mariadbd mariadb mariadb-install-db || return
	sql_dependencies first
	sql_dependencies second
	cat >mariadb.Mockerfile <<-'END'
		RUN mariadb-install-db --user=root --datadir=/root/.mocker/layer/builder_space/data \
			--skip-test-db --auth-root-authentication-method=normal
		CMD exec mariadbd --user=root --datadir=/root/workspace/data --bind-address=0.0.0.0 \
			--port=3306 --socket=/root/workspace/mysqld.sock --skip-name-resolve \
			--pid-file=/root/workspace/mysqld.pid --innodb-buffer-pool-size=32M \
			--init-file=/root/sql-dependencies/init.sql
	END
	run mocker build mariadb mariadb.Mockerfile
	check_status 0
}
test_setup set_up
store_stays
network_stays

ask() {
	local host=$1

	shift
	mariadb --no-defaults --connect-timeout=5 -h "$host" -P 3306 -u app -psecret \
		--skip-column-names -B -e "$*"
}

starts() {
	run mocker run -v "$tmp/$1:/root/sql-dependencies" "db-$1" mariadb
	check_status 0
	address[$1]=$(grep -oE '10\.0\.0\.[0-9]+' <<<"$output" | head -n 1)
}
test_step "a first server starts" starts first
test_step "a second server starts beside it, on the same port" starts second

answers() {
	wait_until 60 ask "${address[$1]}" "SELECT 1"
	run ask "${address[$1]}" "SELECT name FROM shop.whoami"
	check_status 0
	check_output "$1"
	[ "$status" = 0 ] || failed "its log: $(mocker logs "db-$1" | tail -n 20)"
}
test_step "the first answers at its address with its own row" answers first
test_step "the second answers at its address with its own row" answers second

data_is_its_own() {
	run ask "${address[first]}" "INSERT INTO shop.whoami VALUES ('only here')"
	check_status 0
	run ask "${address[second]}" "SELECT COUNT(*) FROM shop.whoami"
	check_output 1
	run ask "${address[first]}" "SELECT COUNT(*) FROM shop.whoami"
	check_output 2
}
test_step "what is written into one is not in the other" data_is_its_own

stops() {
	run mocker stop "db-$1"
	check_status 0
	run mocker logs "db-$1"
	check_output_has "Shutdown complete"
	run mocker rm "db-$1"
	check_status 0
}
test_step "the first stops cleanly on TERM and goes" stops first
test_case "so does the second, and nothing is left" stops second
