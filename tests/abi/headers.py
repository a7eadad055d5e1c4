# SPDX-License-Identifier: BSD-2-Clause
"""Structs, enums and constants of the public headers: read from their text, measured by the
compiler."""

import glob
import os
import re
import subprocess


def read(include):
    """Text of all public headers without comments."""
    text = []
    for path in sorted(glob.glob(os.path.join(include, "godwit", "*.h"))):
        with open(path, encoding="utf-8") as f:
            text.append(re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S))
    return "\n".join(text)


def _member_names(body):
    names = []
    for declaration in body.split(";"):
        declaration = declaration.strip()
        if not declaration:
            continue
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", declaration)
        if pointer:
            names.append(pointer.group(1))
            continue
        for part in declaration.split(","):
            names.append(re.search(r"(\w+)\s*(\[[^\]]*\]\s*)*$", part.strip()).group(1))
    return names


def structs(text):
    """[(name, [member, ...])] in the order of the headers."""
    found = re.findall(r"^struct (gwt_\w+)\s*\{(.*?)\n\};", text, flags=re.S | re.M)
    return [(name, _member_names(body)) for name, body in found]


def enums(text):
    """[(name, [enumerator, ...])]"""
    found = re.findall(r"^enum (gwt_\w+)\s*\{(.*?)\n\};", text, flags=re.S | re.M)
    return [
        (name, re.findall(r"\b(GWT_\w+)\s*(?:=|,|$)", body, flags=re.M)) for name, body in found
    ]


def constants(text):
    """Names of macros that are plain numbers or texts."""
    return re.findall(r"^#define (GWT_[A-Z0-9_]+) +(?:\"|-?[0-9])", text, flags=re.M)


def layout(include, cc, tmp):
    """The layout as text: what is compared and frozen."""
    text = read(include)
    lines = [
        "#include <stdio.h>",
        "#include <stddef.h>",
        "#include <godwit/godwit.h>",
        "#define NUMBER(x) _Generic ((x), char *: 0, const char *: 0, default: (x))",
        '#define SHOW(n, x) _Generic ((x), char *: printf ("constant %s \\"%s\\"\\n", n, (char '
        '*) (size_t) (x)), '
        'default: printf ("constant %s %lld\\n", n, (long long) NUMBER (x)))',
        "int main (void)",
        "{",
    ]
    for name, members in structs(text):
        lines.append('  printf ("struct %s %%zu\\n", sizeof (struct %s));' % (name, name))
        for m in members:
            lines.append(
                '  printf ("  %s %%zu %%zu\\n", offsetof (struct %s, %s), sizeof (((struct %s *) '
                '0)->%s));'
                % (m, name, m, name, m)
            )
    for name, values in enums(text):
        lines.append('  puts ("enum %s");' % name)
        for v in values:
            lines.append('  printf ("  %s %%lld\\n", (long long) %s);' % (v, v))
    for name in constants(text):
        lines.append('  SHOW ("%s", %s);' % (name, name))
    lines += ["  return 0;", "}", ""]
    source, program = os.path.join(tmp, "layout.c"), os.path.join(tmp, "layout")
    with open(source, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    compile_(cc + ["-std=gnu11", "-w", "-I", include, source, "-o", program])
    return subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout


def witness(include, cc, tmp):
    """A library whose exported functions take every public struct: abidiff walks types from
    symbols only."""
    text = read(include)
    lines = ["#include <godwit/godwit.h>"]
    for name, _ in structs(text):
        lines += [
            "void witness_%s (struct %s *);" % (name, name),
            "void witness_%s (struct %s *x) { (void) x; }" % (name, name),
        ]
    for name, _ in enums(text):
        lines += [
            "void witness_%s (enum %s);" % (name, name),
            "void witness_%s (enum %s x) { (void) x; }" % (name, name),
        ]
    for name in re.findall(r"^typedef .*\(\s*\*\s*(gwt_\w+)\s*\)", text, flags=re.M):
        lines += [
            "void witness_%s (%s);" % (name, name),
            "void witness_%s (%s x) { (void) x; }" % (name, name),
        ]
    source, library = os.path.join(tmp, "witness.c"), os.path.join(tmp, "witness.so")
    with open(source, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    compile_(
        cc
        + [
            "-std=gnu11",
            "-g",
            "-O0",
            "-w",
            "-shared",
            "-fPIC",
            "-I",
            include,
            os.path.basename(source),
            "-o",
            library,
        ],
        cwd=tmp,
    )
    return library


def compile_(argv, cwd=None):
    done = subprocess.run(
        argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise RuntimeError("%s\n%s" % (" ".join(argv), done.stdout))


# Rows of tables that carry their stride, and what carries its size otherwise: these may grow
# like structs that begin with
# struct_size.
STRIDED = {
    "gwt_field",
    "gwt_interface",
    "gwt_method",
    "gwt_extension",
    "gwt_compat_row",
    "gwt_note_desc",
    "gwt_note",
}


def _parse(layout_text):
    """{heading: (size or None, [line, ...])}"""
    blocks, current = {}, None
    for line in layout_text.splitlines():
        words = line.split()
        if line.startswith("  "):
            blocks[current][1].append(line.strip())
        elif words[0] == "constant":
            blocks["constant " + words[1]] = (None, [line])
        else:
            current = " ".join(words[:2])
            blocks[current] = (int(words[2]) if len(words) > 2 else None, [])
    return blocks


def compare(old, new):
    """Why NEW breaks what was built for OLD; an empty list where it does not."""
    old, new, faults = _parse(old), _parse(new), []
    for heading, (size, lines) in old.items():
        kind, name = heading.split()
        if heading not in new:
            faults.append("%s is gone" % heading)
            continue
        new_size, new_lines = new[heading]
        if kind == "constant":
            if lines != new_lines and name != "GWT_ABI_MINOR":
                faults.append("%s is not '%s' any more" % (heading, lines[0]))
        elif kind == "enum":
            faults += [
                "%s: '%s' is gone or changed" % (heading, x) for x in lines if x not in new_lines
            ]
        else:
            grows = (lines and lines[0].startswith("struct_size 0 ")) or name in STRIDED
            if new_lines[: len(lines)] != lines:
                wrong = [a for a, b in zip(lines, new_lines + [""] * len(lines)) if a != b]
                if not (name == "gwt_note" and wrong[0].startswith("desc ")):
                    faults.append("%s: '%s' moved, changed or is gone" % (heading, wrong[0]))
            if not grows and (new_size != size or len(new_lines) != len(lines)):
                faults.append("%s has no size of its own and so must not change" % heading)
            elif new_size < size:
                faults.append("%s became smaller" % heading)
    return faults
