# SPDX-License-Identifier: BSD-2-Clause
# The manuals tell what the program does: every option, and examples that work.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
docs=$srcdir/docs

# options: those that -help shows, one a line; described FILE: those that FILE has in backquotes.
options ()
{
  "$godwit" -help | grep -o -E '^  -[^ ]*(, -[a-z]*)*' | tr -d ' ' | tr , '\n' | sort -u
}
described () { grep -o -E '`-[a-zA-Z-]+' "$1" | tr -d '`' | sort -u; }
options >in-help
described "$docs/invocation.md" >in-manual
check "-help has options" test "$(wc -l <in-help)" -gt 30
equal "options that the manual leaves out" "$(comm -23 in-help in-manual)" ""
equal "options that only the manual has" "$(comm -13 in-help in-manual)" ""
# The comparison can fail.
grep -v -x -e -kernel in-manual >less
equal "a missing option is seen" "$(comm -23 in-help less)" "-kernel"

# example FILE N: its Nth block of JSON.
example ()
{
  awk -v n="$2" '/^```json$/ { i++; next } /^```$/ { if (i == n) exit } i == n' "$1"
}
example "$docs/boards.md" 1 >least.json
check "the board in the manual" "$godwit" -M ./least.json -bios none -S -dumpdtb out.dtb
check "makes a device tree" test -s out.dtb
mkdir compat
example "$docs/machine-types.md" 4 >compat/virt-slow.json
out=$("$godwit" -compat-dir compat -M virt-slow -bios none -S -dumpdtb slow.dtb -v 2>&1)
contains "the machine type in the manual" "$out" "machine virt-slow: 1 CPUs, 256 MiB of RAM"
contains "its override" "$(tr -d '\0' <slow.dtb)" "riscv,sv39"

# Every member that boards and machine types may have stands in the manual.
for file in board:boards board-devices:boards machine-type:machine-types; do
  sed -n '/keys\[\]/,/NULL }/p' "$srcdir/core/machine/${file%:*}.c" \
    | grep -o '"[a-z-]*"' | tr -d '"' | sort -u | while read -r key; do
    grep -q "\`$key\`" "$docs/${file#*:}.md" || echo "$key"
  done
done >missing
equal "members that the manuals leave out" "$(cat missing)" ""
done_testing
