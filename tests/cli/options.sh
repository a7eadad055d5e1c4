# SPDX-License-Identifier: BSD-2-Clause
# What users get wrong on the command line: one line that says where, what and what to do; status 1;
# nothing is made.  And what only asks: goes to standard output, status 0.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
g=$godwit

bad () { expect_error 1 "$@"; }

# The option itself.
bad "godwit: 'disk.img': not an option" "$g" disk.img
bad "godwit: '-': not an option" "$g" -
bad "godwit: '-nonesuch': no such option; -help lists them" "$g" -nonesuch
bad "godwit: '--kernl': no such option; did you mean '-kernel'" "$g" --kernl x
bad "godwit: '-M|machine': no such option" "$g" '-M|machine'
bad "godwit: -m: its argument is missing; give SIZE[M|G]" "$g" -M virt -m
bad "godwit: -m: '1G': given twice ('512M' before); give it once" "$g" -M virt -m 512M -m 1G
for o in '-s' '-gdb tcp::1' '-loadvm x' '-daemonize' \
         '-enable-kvm' '-boot d' '-cdrom x' '-snapshot' '-usb'; do
  bad "godwit: ${o%% *}: not in this release: " "$g" -M virt $o
done
bad "godwit: -drive: file: 'x': cannot be opened: No such file or directory; check the path" \
  "$g" -M virt -drive file=x
bad "godwit: -blockdev: 'driver=file': there is no node-name; add node-name=NAME" \
  "$g" -M virt -blockdev driver=file

# -M
bad "godwit: -M: no machine type is given; use -M NAME" "$g"
bad "godwit: -M: machine 'vrit': no such machine type in $srcdir" "$g" -M vrit
bad "did you mean 'virt'" "$g" -M vrit
bad "godwit: -M: 'foo': machine types have no such option; there are 'dumpdtb' and 'memory-backend'" \
  "$g" -M virt,foo=1
bad "did you mean 'dumpdtb'?" "$g" -M virt,dumpdt=x
bad "godwit: -M: 'dumpdtb': not of the form option=value" "$g" -M virt,dumpdtb
bad "godwit: -M: '': no machine type's name" "$g" -M ''
bad "godwit: -M: './none.json': cannot be read: No such file or directory" "$g" -M ./none.json
bad "godwit: -M: '/': is a directory; name a regular file" "$g" -M /

# -m
bad "godwit: -m: '0' is out of range for board 'virt'; use 4M to " "$g" -M virt -m 0
bad "godwit: -m: '1M' is out of range" "$g" -M virt -m 1M
bad "godwit: -m: '-5' is negative; use a size such as 512M or 2G" "$g" -M virt -m -5
bad "godwit: -m: '1000T' is out of range" "$g" -M virt -m 1000T
bad "godwit: -m: '18446744073709551615' is out of range" "$g" -M virt -m 18446744073709551615
bad "godwit: -m: '99999999999999999999' is no size" "$g" -M virt -m 99999999999999999999
bad "godwit: -m: '5000001K' is not a multiple of 4096 bytes; round it" "$g" -M virt -m 5000001K
bad "godwit: -m: '' is no size" "$g" -M virt -m ''
bad "godwit: -m: 'slots=2': memory cannot be added" "$g" -M virt -m 1G,slots=2

# -object, -M memory-backend
m='-M virt,memory-backend=m0 -S -nodefaults -object'
bad "godwit: -M: memory-backend: 'm0': no memory back end has this id; add -object" \
  "$g" -M virt,memory-backend=m0
bad "godwit: -M: memory-backend: 'm0': it is given twice" \
  "$g" -M virt,memory-backend=m0,memory-backend=m0 -object memory-backend-ram,id=m0,size=64M
bad "godwit: -object: 'm0': nothing uses it; add memory-backend=m0 to -M, or leave it out" \
  "$g" -M virt -object memory-backend-ram,id=m0,size=64M
bad "godwit: -object: id 'm0' is taken; use another one" \
  "$g" $m memory-backend-ram,id=m0,size=64M -object memory-backend-memfd,id=m0,size=64M
bad "godwit: -object: 'memory-backend-fil': there are no such objects; use memory-backend-ram" \
  "$g" $m memory-backend-fil,id=m0,size=64M
bad "godwit: -object: 'rng-random': there are no such objects" "$g" $m rng-random,id=m0
bad "godwit: -object: id=ID is missing; add it" "$g" $m memory-backend-ram,size=64M
bad "godwit: -object: size=SIZE is missing; add it" "$g" $m memory-backend-ram,id=m0
bad "godwit: -object: mem-path=FILE is missing; add it" "$g" $m memory-backend-file,id=m0,size=64M
bad "godwit: -object: size: '5' is not a multiple of 4096 bytes" "$g" $m memory-backend-ram,id=m0,size=5
bad "godwit: -object: size: '5X' is no size" "$g" $m memory-backend-ram,id=m0,size=5X
bad "godwit: -object: share: 'yes'" "$g" $m memory-backend-ram,id=m0,size=64M,share=yes
bad "godwit: -object: prealloc: '1'" "$g" $m memory-backend-ram,id=m0,size=64M,prealloc=1
bad "godwit: -object: id '0' is malformed" "$g" $m memory-backend-ram,id=0,size=64M
bad "godwit: -object: 'size' is given twice" "$g" $m memory-backend-ram,id=m0,size=64M,size=64M
bad "godwit: -object: 'share' has no value; write 'share=VALUE'" "$g" $m memory-backend-ram,share
bad "godwit: -object: 'mem-path': memory-backend-memfd has no such property; it has id, size, share and prealloc" \
  "$g" $m memory-backend-memfd,id=m0,size=64M,mem-path=x
bad "godwit: -object: 'shar': memory-backend-file has no such property; it has id, size, mem-path, \
share and prealloc; did you mean 'share'" "$g" $m memory-backend-file,shar=on
bad "godwit: -object: it has no 'qom-type'" "$g" $m '{"id": "m0"}'
bad "godwit: -object: 'size' is a string" \
  "$g" $m '{"qom-type": "memory-backend-ram", "id": "m0", "size": "64M"}'
bad "godwit: -m: '32M': the memory back end has 67108864 bytes; leave -m out, or give the same size" \
  "$g" $m memory-backend-ram,id=m0,size=64M -m 32M
bad "godwit: -M: memory-backend: board 'virt' cannot have 65536 bytes; use 4M to" \
  "$g" $m memory-backend-ram,id=m0,size=64K
bad "godwit: -object: mem-path: 'none/x': No such file or directory; name a file that can be written" \
  "$g" $m memory-backend-file,id=m0,size=64M,mem-path=none/x
bad "godwit: -object: mem-path: '/dev/null': it is no file; name one" \
  "$g" $m memory-backend-file,id=m0,size=64M,mem-path=/dev/null
echo small >small
bad "godwit: -object: mem-path: 'small': it has 6 bytes, size says 67108864; make them alike" \
  "$g" $m memory-backend-file,id=m0,size=64M,mem-path=small
equal "the file is as it was" "$(cat small)" small
rm small
# What fails afterwards leaves no file.
bad "godwit: -qmp:" "$g" $m memory-backend-file,id=m0,size=64M,mem-path=memory \
  -qmp unix:none/socket,server=on,wait=off
check "no file is left" test ! -e memory

# -smp
bad "godwit: -smp: cpus: '0' is out of range for this board; use a number from 1 to 512" \
  "$g" -M virt -smp 0
bad "godwit: -smp: cpus: '-1' is out of range" "$g" -M virt -smp -1
bad "godwit: -smp: cpus: '513' is out of range for this board; use a number from 1 to 512" \
  "$g" -M virt -smp 513
bad "godwit: -smp: sockets 1 * cores 3 * threads 1 are not cpus 4" "$g" -M virt -smp 4,cores=3
bad "godwit: -smp: maxcpus 8 is not cpus 4" "$g" -M virt -smp 4,maxcpus=8
bad "godwit: -smp: 'cores' has no value; write cores=NUMBER" "$g" -M virt -smp 2,cores
bad "godwit: -smp: 'dies': unknown; use cpus, sockets, cores, threads or maxcpus" \
  "$g" -M virt -smp dies=1
bad "godwit: -smp: 'cpus' is given twice" "$g" -M virt -smp 2,cpus=2
bad "godwit: -smp: 4096 CPUs are too many for this board; use 1 to 512" \
  "$g" -M virt -smp sockets=64,cores=64

# -cpu
bad "godwit: -cpu: 'rv65': machine 'virt-1.0' has no such CPU model; did you mean 'rv64'" \
  "$g" -M virt -cpu rv65
bad "type 'rv64-cpu' has no property 'zbx'" "$g" -M virt -cpu rv64,zbx=on
bad "property 'zbb': 'maybe' is neither 'on' nor 'off'" "$g" -M virt -cpu rv64,zbb=maybe
bad "godwit: -cpu: 'rv64,id=x': CPUs have the ids cpu0, cpu1" "$g" -M virt -cpu rv64,id=x
bad "godwit: -cpu: 'help': depends on the machine; add -M NAME" "$g" -cpu help

# Devices and back ends.
bad "godwit: -device: no plugin provides device type 'nonesuch'" "$g" -M virt -device nonesuch
bad "godwit: -device: 'ns16550': only a board can have devices of this type" \
  "$g" -M virt -device ns16550
bad "godwit: -device: '{\"driver\":': " "$g" -M virt -device '{"driver":'
bad "godwit: -device: no plugin provides device type 'nonesuch'" \
  "$g" -M virt -device '{"driver":"nonesuch"}'
bad "godwit: -global: 'foo' is no global value; write TYPE.PROPERTY=VALUE" "$g" -M virt -global foo
bad "godwit: -global xx.foo=1: no device of this machine is of type 'xx'" \
  "$g" -M virt -global xx.foo=1
bad "type 'ns16550' has no property 'foo'" "$g" -M virt -global ns16550.foo=1
bad "godwit: -serial: 'foo' is no character back end" "$g" -M virt -serial foo
bad "godwit: -serial: given 2 times, but machine 'virt-1.0' has 1 serial port; leave some out" \
  "$g" -M virt -serial null -serial null
bad "godwit: -serial: 'chardev:a': no -chardev has this id; add it" "$g" -M virt -serial chardev:a
bad "godwit: -chardev: 'a': nothing uses it; add -serial chardev:a" "$g" -M virt -chardev null,id=a
bad "godwit: -qmp: 'foo' is no socket address" "$g" -M virt -qmp foo
bad "godwit: -qmp: 'stdio': standard input is taken by the serial port; use unix:FILE,server=on" \
  "$g" -M virt -qmp stdio -nographic
bad "godwit: -qmp: 'stdio': standard input is taken by the serial port" \
  "$g" -M virt -qmp stdio -chardev stdio,id=c -serial chardev:c
bad "godwit: -qmp: 'stdio': standard input is taken by another -qmp" \
  "$g" -M virt -qmp stdio -qmp stdio
for o in display vga vnc net parallel monitor; do
  bad "godwit: -$o: 'x': not in this release: " "$g" -M virt -$o x
done

# Names and numbers.
bad "godwit: -uuid: '5': not of the form" "$g" -M virt -uuid 5
bad "godwit: -uuid: '12345678-1234-1234-1234-12345678zzzz': not of the form" "$g" -M virt \
  -uuid 12345678-1234-1234-1234-12345678zzzz
bad "godwit: -name: 'a,process=b': not a name" "$g" -M virt -name a,process=b
bad "godwit: -d: 'in_asm': not in this release; use 'guest'" "$g" -M virt -d in_asm

# Files and folders.
bad "godwit: -plugin: plugin '/etc/passwd': not an ELF file" "$g" -M virt -plugin /etc/passwd
bad "godwit: -plugin-dir: '/nonexistent': no such folder" "$g" -M virt -plugin-dir /nonexistent
bad "godwit: -machine-dir: '/nonexistent': no such folder" "$g" -M virt -machine-dir /nonexistent
bad "godwit: -compat-dir: '/nonexistent': no such folder" "$g" -M virt -compat-dir /nonexistent
bad "godwit: -dumpdtb: '/nonexistent/x': cannot be written: No such file or directory" \
  "$g" -M virt -dumpdtb /nonexistent/x
bad "godwit: -dumpdtb: '/': cannot be written: Is a directory" "$g" -M virt -dumpdtb /
bad "godwit: -dumpdtb: 'a': -M says dumpdtb=b already; give it once" \
  "$g" -M virt,dumpdtb=b -dumpdtb a

# What fails late leaves nothing behind, and overwrites nothing.
echo precious >out; echo precious >log; echo precious >pid
bad "godwit: -pidfile: '/nonexistent/pid': cannot be written" "$g" -M virt -serial file:out -D log \
  -pidfile /nonexistent/pid
bad "is no soun" "$g" -M virt -serial file:out -D log -pidfile pid -dtb /etc/passwd
bad "godwit: -qmp: " \
  "$g" -M virt -serial file:out -D log -pidfile pid -qmp unix:/nonexistent/q,server=on
bad "godwit: -global xx.y=1" \
  "$g" -M virt -serial file:new -qmp unix:q,server=on,wait=off -global xx.y=1
equal "nothing was overwritten" "$(cat out log pid)" "precious
precious
precious"
equal "nothing was created" "$(ls)" "log
out
pid"

# What only asks.
ask ()
{
  name=$1
  shift
  out=$("$@" 2>err </dev/null)
  equal "$name: status" "$? $(cat err)" "0 "
}
ask "-help" "$g" -help
contains "-help names -kernel" "$out" "-kernel FILE"
contains "-help names both spellings" "$out" "-M, -machine"
check_not "-help shows no option of later releases" grep -q -e -loadvm <<<"$out"
ask "--h" "$g" --h
ask "-version" "$g" -version
contains "-version" "$out" "godwit "
ask "-M help" "$g" -M help
contains "-M help lists virt-1.0" "$out" "virt-1.0 "
contains "-M help lists the alias" "$out" "alias of virt-1.0"
ask "-device help" "$g" -device help
ask "-device TYPE,help" "$g" -device ns16550,help
contains "-device TYPE,help lists properties" "$out" "chardev"
bad "godwit: -device: no plugin provides device type 'nonesuch'" "$g" -device nonesuch,help
ask "-cpu help" "$g" -M virt -cpu help
contains "-cpu help lists models" "$out" "rv64 "
contains "-cpu help lists properties" "$out" "zbb"
ask "-smp help" "$g" -M virt -smp help
contains "-smp help tells the rule" "$out" "cores are filled first, then sockets, then threads"

# Every option that help lists is taken by the parser, in both spellings.
"$g" -help | sed -n 's/^  \(-[a-zA-Z-]*\).*/\1/p' | while read -r o; do
  for d in '' -; do
    "$g" "$d$o" 2>&1 </dev/null | grep -q "no such option" && echo "$d$o"
  done
done >unknown
equal "help and parser agree" "$(cat unknown)" ""
done_testing
