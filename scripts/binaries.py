"""Looks into the addons of a release, of every platform: python3 scripts/binaries.py [--glibc 2.17] native/*.node

Asserts their size, that they export nothing but what Node calls, that they need nothing that a fresh system lacks, and with
--glibc how old a glibc they take. Needs `pip install -r scripts/binaries.txt`.
"""

import os
import re
import sys

import lief

# Raise it only knowing what it bought.
MOST_BYTES = 4_000_000
EXPORTED = {"napi_register_module_v1"}
# What a system has that can run Node. Not Microsoft's C runtime: that one comes with a redistributable that many lack.
SYSTEM = {
    "gnu": r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux-[\w-]+\.so\.\d",
    "musl": r"libc\.so|libc\.musl-\w+\.so\.1|libgcc_s\.so\.1",
    "msvc": r"(?!vcruntime|msvc|ucrt|concrt|api-ms-win-crt)[\w.-]+\.dll|node\.exe",
    "darwin": r"/usr/lib/.*|/System/Library/.*",
}


def main(arguments):
    glibc = None
    if arguments[:1] == ["--glibc"]:
        glibc, arguments = version_of(arguments[1]), arguments[2:]
    problems = [f"{path}: {problem}" for path in arguments for problem in look_into(path, glibc)]
    print("\n".join(problems) or f"{len(arguments)} binaries are as they have to be.")
    sys.exit(1 if problems or not arguments else 0)


def look_into(path, glibc):
    size = os.path.getsize(path)
    if size > MOST_BYTES:
        yield f"has {size} bytes, more than {MOST_BYTES}"
    binary = lief.parse(path)
    if binary is None:
        yield "is no binary"
        return
    exported = exports(binary)
    if exported != EXPORTED:
        yield f"exports {', '.join(sorted(exported)) or 'nothing'}"
    system = next(name for name in SYSTEM if name in path.split("/")[-1])
    needed = sorted(libraries(binary))
    print(f"{path}: {size} bytes, needs {', '.join(needed)}{newest_text(binary)}")
    for library in needed:
        if not re.fullmatch(SYSTEM[system], library, re.IGNORECASE):
            yield f"needs {library}"
    if glibc and system == "gnu" and newest_glibc(binary) > glibc:
        yield f"needs glibc {'.'.join(map(str, newest_glibc(binary)))}"


def exports(binary):
    if isinstance(binary, lief.ELF.Binary):
        return {str(symbol.name) for symbol in binary.exported_symbols}
    if isinstance(binary, lief.PE.Binary):
        return {entry.name for entry in binary.get_export().entries} if binary.has_exports else set()
    return {symbol.name.removeprefix("_") for symbol in binary.exported_symbols}


def libraries(binary):
    if isinstance(binary, lief.MachO.Binary):
        # The first one is its own name.
        return {library.name for library in binary.libraries if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB}
    if isinstance(binary, lief.PE.Binary):
        return {entry.name for entry in [*binary.imports, *binary.delay_imports]}
    return set(binary.libraries)


def newest_glibc(binary):
    names = (version.name for need in binary.symbols_version_requirement for version in need.get_auxiliary_symbols())
    return max((version_of(name) for name in names if re.fullmatch(r"GLIBC_[\d.]+", name)), default=(0,))


def newest_text(binary):
    if not isinstance(binary, lief.ELF.Binary) or newest_glibc(binary) == (0,):
        return ""
    return f", glibc {'.'.join(map(str, newest_glibc(binary)))}"


def version_of(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


main(sys.argv[1:])
