# SPDX-License-Identifier: BSD-2-Clause
# Machine type and board files as users write them: where they are looked for, how they build on one
# another, and that each mistake names file, line and JSON path.  -dumpdtb builds a machine without
# running it.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
mkdir user boards
g="$godwit -compat-dir $tmp/user -machine-dir $tmp/boards -bios none -S -dumpdtb $tmp/out.dtb"

# machine NAME MEMBERS...: a machine type file; board virt unless a member says otherwise.
machine ()
{
  local name=$1 m
  shift
  {
    printf '{\n"godwit-machine": 1,\n"name": "%s",\n"doc": "test"' "$name"
    for m; do printf ',\n%s' "$m"; done
    printf '\n}\n'
  } >"user/$name.json"
}
# board NAME SED...: virt's board under another name, changed.
board ()
{
  local name=$1
  shift
  sed -e "s/\"name\": \"virt\"/\"name\": \"$name\"/" "$srcdir/machines/virt.json" >plain.json
  sed "$@" plain.json >"boards/$name.json"
  cmp -s "boards/$name.json" plain.json && not_ok "board $name: the change did not apply"
  machine "$name" "\"board\": \"$name\""
}
bad ()
{
  expect_error 1 "$1" $g "${@:2}"
  [ ! -e out.dtb ] || not_ok "$1: nothing is made"
  rm -f out.dtb
}
good () { check "$1" $g "${@:2}"; check "$1: makes the blob" test -s out.dtb; rm -f out.dtb; }

good "virt" -M virt
good "virt-1.0" -M virt-1.0
good "--machine virt" --machine virt

# Names, aliases, paths, folders.
machine mine '"board": "virt"' '"aliases": ["my-own"]'
good "a user's machine type by name" -M mine
good "by alias" -M my-own
good "by path" -M ./user/mine.json
good "by path without folder" -M user/mine.json
good "a board file as a machine" -M "$srcdir/machines/virt.json"
machine here '"board": "../boards/near.json"'
cp "$srcdir/machines/virt.json" boards/near.json
good "a board by path from the machine type's folder" -M here
contains "-M help lists it" "$($g -M help)" "mine "
machine noboard '"board": "nonesuch"'
bad "godwit: $tmp/user/noboard.json:5: \$.board: no board 'nonesuch' in $tmp/boards, " -M noboard
rm user/noboard.json
# One name is one promise: two files that differ are none, copies do no harm.
machine virt-1.0 '"board": "virt"'
bad "godwit: -M: machine 'virt-1.0': $tmp/user/virt-1.0.json and " -M virt-1.0
bad "virt-1.0.json differ; rename one, or give -M a file's path" -M virt-1.0
good "by path it is the one" -M ./user/virt-1.0.json
cp "$srcdir/compat/virt-1.0.json" user/
good "a copy is the same" -M virt-1.0
rm user/virt-1.0.json
machine taker '"board": "virt"' '"aliases": ["virt-1.0", "virt"]'
bad "has this name, and $tmp/user/taker.json takes it as an alias; remove the alias" -M virt-1.0
machine taker '"board": "virt"' '"aliases": ["virt"]' '"defaults": { "memory": "256M" }'
contains "aliases: the user's folder before the installed one" "$($g -M virt -v 2>&1)" \
  "machine taker: 1 CPUs, 256 MiB"
rm user/taker.json out.dtb
machine a '"board": "virt"' '"aliases": ["a"]'
bad "godwit: $tmp/user/a.json:6: \$.aliases[0]: 'a' is no alias; use another name of letters" -M a
rm user/a.json
machine other '"board": "virt"' '"aliases": ["my-own"]'
U=$tmp/user
bad "godwit: -M: machine 'my-own': both $U/mine.json and $U/other.json take this alias" \
  -M my-own
rm user/other.json
machine wrong '"board": "virt"'; mv user/wrong.json user/right.json
bad "godwit: $U/right.json:3: \$.name: the name 'wrong' does not fit the file's; call the file " \
  -M right
bad "godwit: -M: machine 'wrong': $U/right.json has this name; call the file 'wrong.json'" -M wrong
rm user/right.json
echo '{ "godwit-machine": 1, ' >user/broken.json
bad "godwit: $tmp/user/broken.json:2: \$: column 1: a member's name in double quotes is missing" \
  -M broken
good "a broken file does not hide the others" -M my-own
bad "godwit: -M: machine 'nonesuch': no such machine type in $tmp/user" -M nonesuch
bad "where these files could not be read: $tmp/user/broken.json" -M nonesuch
rm user/broken.json
machine old '"board": "virt"' '"deprecated": "use virt-1.0"'
out=$($g -M old 2>&1); equal "deprecated: a warning, and it works" "$out" \
  "godwit: warning: -M: machine 'old' is deprecated: use virt-1.0"
rm -f out.dtb

# Inheritance.
machine v2 '"board": "virt"'
machine v1 '"newer": "v2"'
good "the board comes from the newer type" -M v1
machine a '"newer": "b"'; machine b '"newer": "c"'; machine c '"newer": "a"'
bad "godwit: $tmp/user/c.json:5: \$.newer: 'a' derives from itself through 'c'; break the circle" \
  -M a
machine self '"newer": "self"'
bad "\$.newer: 'self' derives from itself through 'self'" -M self
machine afloat '"newer": "virt"'
bad "godwit: $tmp/user/afloat.json:5: \$.newer: 'virt' is an alias, of 'virt-1.0' today, and a promise is \
none if it changes with it; name 'virt-1.0'" -M afloat
rm user/afloat.json
machine orphan '"newer": "gone"'
bad "godwit: $tmp/user/orphan.json:5: \$.newer: machine 'gone': no such machine type" -M orphan

# Overrides and levels.
over () { machine over '"board": "virt"' "\"overrides\": [
$1
]"; }
over '{ "type": "ns16550", "property": "nonesuch", "value": 1 }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: type 'ns16550' has no property 'nonesuch'" \
  -M over
over '{ "type": "aclint", "property": "timebase-frequency", "value": "fast" }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: " -M over
over '{ "type": "aclint", "property": "timebase-frequency", "value": 0 }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: " -M over
bad "\$.overrides[0]: property 'timebase-frequency' of 'aclint': '0' is out of range; " -M over
over '{ "type": "aclint", "property": "timebase-freqency", "value": 1 }'
bad "over.json:7: \$.overrides[0]: type 'aclint' has no property 'timebase-freqency'; did you \
mean 'timebase-frequency'?" -M over
# Judged whether or not the machine has such a device.
over '{ "type": "virtio-net-pci", "property": "mq", "value": 7 }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: property 'mq' of 'virtio-net-pci': " -M over
over '{ "type": "ns16551", "property": "x", "value": 0 }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: no plugin provides device type 'ns16551', " \
  -M over
bad "did you mean 'ns16550'?; if its plugin need not be installed, name that as \"plugin\" here" \
  -M over
over '{ "type": "org-example-absent", "property": "x", "value": 0, "plugin": "org-example" }'
good "an override of a type of a plugin that nobody installed hurts nobody" -M over
over '{ "type": "org-example-absent", "property": "x", "value": 0, "plugin": "ns16550" }'
bad "godwit: $tmp/user/over.json:7: \$.overrides[0]: no plugin provides device type 'org-ex" -M over
over '{ "type": "org-example-absent", "property": "x", "value": 0, "plugin": "No" }'
bad "over.json:7: \$.overrides[0].plugin: 'No' is no plugin's id; use a-z, 0-9 and '-'" -M over
over '{ "type": "aclint", "property": "num-harts", "value": 1 },
{ "type": "aclint", "property": "num-harts", "value": 2 }'
bad "over.json:8: \$.overrides[1]: 'aclint.num-harts' is overridden twice; remove one" -M over
machine level '"board": "virt"' '"levels": { "ns16550": "99.0" }'
bad "godwit: $U/level.json:6: \$.levels.ns16550: level 99.0 is newer than plugin 'ns16550' " \
  -M level
machine level '"board": "virt"' '"levels": { "*": "99.0" }'
bad "level.json:6: \$.levels.*: level 99.0 is newer than plugin " -M level
machine level '"board": "virt"' '"levels": { "*": "1." }'
bad "level.json:6: \$.levels.*: '1.' is no version; use numbers with dots, as \"1.0\"" -M level
machine level '"board": "virt"' '"levels": { "*": "0.1", "*": "0.1" }'
bad "level.json:6: \$.levels.*: column 28: this member is there twice; remove one" -M level
machine level '"board": "virt"' '"levels": { "ns16550": "99.0" }'
machine older '"newer": "level"' '"levels": { "ns16550": "0.1" }'
good "an older type may promise less than the newer one" -M older
machine level '"board": "virt"' '"levels": { "not-installed": "99.0" }'
good "a level of a plugin that nobody installed hurts nobody" -M level

# Levels by option.
V=$(sed -n 's/^AC_INIT.*\[\([0-9.]*\)\].*/\1/p' "$srcdir/configure.ac")
good "-plugin-level" -M virt -plugin-level ns16550=0.0.1 -plugin-level "pcie=$V"
bad "godwit: -plugin-level: 'ns16550': not of the form PLUGIN=VERSION; write it as pcie=1.0" \
  -M virt -plugin-level ns16550
bad "godwit: -plugin-level: 'ns16551=0.1': no plugin 'ns16551' was found; did you mean 'ns16550'" \
  -M virt -plugin-level ns16551=0.1
bad "godwit: -plugin-level: 'zzz=0.1': no plugin 'zzz' was found; 'godwit-plugin list' shows " \
  -M virt -plugin-level zzz=0.1
bad "godwit: -plugin-level: 'ns16550=99': level 99 is newer than plugin 'ns16550' $V in " \
  -M virt -plugin-level ns16550=99
bad "; use a level up to $V, or install a newer plugin" -M virt -plugin-level ns16550=99
bad "godwit: -plugin-level: 'ns16550=1.x': '1.x' is no version; use numbers with dots, as 1.0" \
  -M virt -plugin-level ns16550=1.x
bad "godwit: -plugin-level: 'ns16550=0.1': plugin 'ns16550' is given twice; give it once" \
  -M virt -plugin-level ns16550=0.0.1 -plugin-level ns16550=0.1

# Defaults.
machine big '"board": "virt"' '"defaults": { "memory": "256M", "cpus": 4, "smp-fill": "sockets" }'
out=$($g -M big -v 2>&1)
contains "defaults of the machine type" "$out" "machine big: 4 CPUs, 256 MiB of RAM"
rm -f out.dtb
machine odd '"board": "virt"' '"defaults": { "memory": 5 }'
bad "godwit: $tmp/user/odd.json:6: \$.defaults.memory: board 'virt' cannot have 5 bytes; use " -M odd
machine odd '"board": "virt"' '"defaults": { "cpus": 0 }'
bad "godwit: $tmp/user/odd.json:6: \$.defaults.cpus: 0 is no default; use more, or leave it out" \
  -M odd
machine odd '"board": "virt"' '"defaults": { "cpus": 4000 }'
bad "godwit: $U/odd.json:6: \$.defaults.cpus: 4000 CPUs are too many for this board; use 1 to " -M odd
machine odd '"board": "virt"' '"defaults": { "cpu": "rv23" }'
bad "godwit: $U/odd.json:6: \$.defaults.cpu: 'rv23': machine 'odd' has no such CPU model; " -M odd
machine odd '"board": "virt"' '"defaults": { "cpu": "rv64,zbx=off" }'
bad "godwit: $U/odd.json:6: \$.defaults.cpu: device 'cpu0': type 'rv64-cpu' has no property 'zbx'; " \
  -M odd
machine odd '"board": "virt"' '"defaults": { "cpus": 100000000000000000000 }'
bad "godwit: $U/odd.json:6: \$.defaults.cpus: column 44: 100000000000000000000 has more than 64 bits" \
  -M odd
machine odd '"board": "virt"' '"deprecated": ""'
bad "godwit: $U/odd.json:6: \$.deprecated: no line of text; write one, without control char" -M odd
machine odd '"board": "virt"' '"aliases": ["o1", "o1"]'
bad "godwit: $U/odd.json:6: \$.aliases[1]: alias 'o1' is there twice; remove one" -M odd
rm user/odd.json
machine big-old '"newer": "big"' '"defaults": { "cpus": 2 }'
contains "defaults come from the newer type, too" "$($g -M big-old -v 2>&1)" \
  "machine big-old: 2 CPUs, 256 MiB"
contains "filling rule of the machine type" "$($g -M big -smp help)" "sockets are filled first"
rm -f out.dtb

# Boards against devices.
B=$tmp/boards
# at FILE TEXT: where TEXT stands, as the errors say it; -N: N lines above.
at ()
{
  local n
  n=$(grep -n -F -m1 -e "$2" "$B/$1.json" | cut -d: -f1)
  echo "$B/$1.json:$((n ${3:-}))"
}
board b1 -e 's/"type": "goldfish-rtc"/"type": "goldfish-rtx"/'
bad "godwit: -M: machine 'b1' needs device type 'goldfish-rtx': no plugin provides device type " \
  -M b1
board b2 -e 's/"at": \["0x101000"\]/"at": ["0x100800"]/'
bad "godwit: $(at b2 '"id": "rtc0"' -1): \$.devices[7]: " -M b2
board b3 -e 's/"at": \["0x101000"\]/"at": ["0x101000", "0x102000"]/'
bad "$(at b3 '"id": "rtc0"' -1): \$.devices[7]: device 'rtc0' has only 1 region; shorten 'at'" \
  -M b3
board b4 -e 's/"at": \["0x101000"\]/"at": ["0x10301000"]/' \
  -e 's/"devices": \[/"windows": [{ "name": "kept", "base": "0x10300000", "size": "0x8000" }], &/'
bad "at 0x10301000 with 0x1000 bytes reaches into 'kept' at 0x10300000" -M b4
board b5 -e 's/"at": \["0x101000"\]/"at": ["0x80001000"]/'
bad "godwit: $(at b5 '"id": "rtc0"' -1): \$.devices[7]: " -M b5
board b6 -e 's/"at": \["0x101000"\]/"at": ["0xfffffffffffffff0"]/'
bad "godwit: $(at b6 '"id": "rtc0"' -1): \$.devices[7]: " -M b6
board b7 -e 's/"in": "irq", "line": 10/"in": "irq", "line": 999/'
bad "godwit: $(at b7 '"id": "uart0"' +3): \$.devices[6].irq[0]: " -M b7
board b8 -e 's/"out": "irq"\(, .*"line": 10\)/"out": "ira"\1/'
bad "godwit: $(at b8 '"id": "uart0"' +3): \$.devices[6].irq[0]: " -M b8
board b9 -e 's/"num-sources": 95/"num-source": 95/'
bad "godwit: $(at b9 '"num-source"'): \$.devices[2].props.num-source: " -M b9
bad "has no property 'num-source'; did you mean 'num-sources'" -M b9
board b10 -e 's/"number": "hart-id"/"number": "hart-nr"/'
bad "$(at b10 '"cpus": {'): \$.cpus: device 'cpu0': type 'rv64-cpu' has no property 'hart-nr'" \
  -M b10
board b11 -e 's/"type": "rv64-cpu"/"type": "ns16550"/'
bad "$(at b11 '"cpus": {'): \$.cpus: type 'ns16550' does not offer 'gwt.cpu/1'; name one " \
  -M b11
board b12 -e 's/"number": 0, "property": "chardev"/"number": 0, "property": "chardex"/'
bad "type 'ns16550' has no property 'chardex'" -M b12
board b13 -e 's/"size": "0xf000"/"size": "0x10"/'
# A ROM is rounded up to pages by the memory, but the board says what the reset code may use.
bad "$(at b13 '"id": "mrom"'): \$.roms[0]: the ROM is too small for the reset code of 88 bytes; " \
  -M b13
board b14 -e 's/"max": "16T"/"max": "8192P"/'
bad "godwit: -m: " -M b14 -m 8000P

# Firmware.
board fw -e 's,/usr/lib/riscv64-linux-gnu/opensbi/generic,/nonexistent/a,' \
  -e 's,/usr/share/opensbi/lp64/generic/firmware,/nonexistent/b,'
g="$godwit -compat-dir $tmp/user -machine-dir $tmp/boards -dumpdtb $tmp/out.dtb"
bad "-bios: default firmware 'fw_dynamic.bin' is in none of /nonexistent/a, /nonexistent/b; " \
  -M fw
bad "; install the package 'opensbi', or use -bios FILE or -bios none" \
  -M fw
bad "default firmware 'fw_dynamic.bin' is in none of" -M fw -bios default
nothing="godwit: -bios: 'none': nothing to run; add -kernel or -bios FILE, or -S to start paused"
run="$godwit -compat-dir $tmp/user -machine-dir $tmp/boards -nographic"
expect_error 1 "$nothing" $run -M fw -bios none
good "without firmware and paused" -M fw -bios none -S
good "a guest that is awaited brings its own" -M fw -incoming "file:$tmp/none"
bad "-bios: default firmware 'fw_dynamic.bin' is in none of" -M fw -incoming defer -bios default
# A machine type's own firmware: beside its file, then in the board's folders; -bios beats it.
machine tied '"board": "fw"' '"firmware": "mine.bin"'
machine tied-old '"newer": "tied"'
bad "godwit: $tmp/user/tied.json:6: \$.firmware: 'mine.bin' is in none of $tmp/user, /nonexiste" \
  -M tied -S
bad "; put it there, or use -bios FILE or -bios none" -M tied-old -S
good "-bios none beats it" -M tied -bios none -S
head -c 100 /dev/zero >user/mine.bin
good "a machine type's own firmware" -M tied
good "inherited" -M tied-old -bios default
machine tied '"board": "fw"' '"firmware": "../mine.bin"'
mv user/mine.bin .
good "by path from the file's folder" -M tied-old
machine tied '"board": "virt"' '"firmware": "none"'
expect_error 1 "$nothing" $run -M tied
# Nothing runs where only a description is asked for.
good "-dumpdtb" -M tied
check "-dump-manifest" $run -M tied -dump-manifest "$tmp/dumped"
check "-dump-vmstate" $run -M tied -dump-vmstate "$tmp/dumped"
machine tied '"board": "virt"' '"firmware": "/etc"'
bad "godwit: $tmp/user/tied.json:6: \$.firmware: '/etc': is a directory; name a regular file" -M tied
machine tied '"board": "virt"' '"firmware": ""'
bad "tied.json:6: \$.firmware: no file's name; name one, or \"none\"" -M tied

# Of this tree's files: the alias of a family is on its newest type.
for file in "$srcdir"/compat/*.json; do
  grep -q '"newer"' "$file" || continue
  grep -q '"aliases"' "$file" && not_ok "$file: an alias on a type that has a newer one"
done
ok "aliases are the newest types'"
done_testing
