#!/bin/sh
# Starts slapd on port 1389 with what start.ldif holds, and an account for Keyturn (cn=keyturn,ou=services,dc=try,dc=example)
# whose password is $KEYTURN_TRY_PASSWORD. The variables below let it run elsewhere than in its container, too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${TRY_LDAP_FOLDER:-/var/lib/try-ldap}
port=${TRY_LDAP_PORT:-1389}
schema=${TRY_LDAP_SCHEMA:-/etc/ldap/schema}
modules=${TRY_LDAP_MODULES:-/usr/lib/ldap}
: "${KEYTURN_TRY_PASSWORD:?is the password of Keyturn’s account}"
PATH=$PATH:/usr/sbin:/usr/libexec

cat >"$folder/slapd.conf" <<END
include $schema/core.schema
include $schema/cosine.schema
include $schema/inetorgperson.schema
include $schema/nis.schema
modulepath $modules
moduleload back_mdb
moduleload ppolicy
pidfile $folder/slapd.pid
database mdb
suffix "dc=try,dc=example"
directory $folder/data
index objectClass,entryUUID,uid,employeeNumber,member eq
access to attrs=userPassword by dn.exact="cn=keyturn,ou=services,dc=try,dc=example" manage by anonymous auth by * none
access to * by dn.exact="cn=keyturn,ou=services,dc=try,dc=example" manage by users read by * none
limits dn.exact="cn=keyturn,ou=services,dc=try,dc=example" size=unlimited time=unlimited
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=try,dc=example"
END

if [ ! -d "$folder/data" ]; then
  # Made beside and renamed, so that a start that was broken off is begun again.
  mkdir -p "$folder/data.new"
  sed "s#directory $folder/data#directory $folder/data.new#" "$folder/slapd.conf" >"$folder/first.conf"
  # From a file that only this user can read: the arguments of a process can be seen by others.
  (umask 077 && printf %s "$KEYTURN_TRY_PASSWORD" >"$folder/password")
  hash=$(slappasswd -T "$folder/password")
  rm "$folder/password"
  sed "s#^userPassword: .*#userPassword: $hash#" "$here/start.ldif" | slapadd -q -f "$folder/first.conf"
  mv "$folder/data.new" "$folder/data"
fi
unset KEYTURN_TRY_PASSWORD
exec slapd -d none -f "$folder/slapd.conf" -h "ldap://:$port"
