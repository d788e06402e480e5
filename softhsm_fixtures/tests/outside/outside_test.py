#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Installs the kit into a temporary folder and runs the example projects with it, copied out of the tree.

usage: outside_test.py SOURCE_ROOT BUILD_ROOT COMPILER...
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "command"))
import harness  # noqa: E402
import installation  # noqa: E402
from harness import need  # noqa: E402

KIT = ROOT = PREFIX = None
COMPILER = []


def run(arguments, environment, folder, status=0):
    done = subprocess.run(list(map(str, arguments)), env=environment, cwd=folder, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=300)
    assert done.returncode == status, (f"{' '.join(map(str, arguments))}\nended with {done.returncode}, not {status}:\n"
                                       f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def outside(place, example=None):
    """The environment of somebody who installed the kit, and a copy of the example."""
    environment = installation.environment(PREFIX, place.environment)
    if example is None:
        return environment, place.folder
    folder = place.folder / example
    shutil.copytree(KIT / "examples" / example, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return environment, folder


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has changed: {old!r} is not in it"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_command(place):
    environment, folder = outside(place)
    # It finds its library by itself.
    del environment["LD_LIBRARY_PATH"]
    version = run(["softhsm-fixture", "--version"], environment, folder)
    assert re.fullmatch(r"softhsm-fixture \d+\.\d+\.\d+\n", version)
    assert "pkcs11:token=" in run(["softhsm-fixture", "run", "--", "sh", "-c", "echo $PKCS11_TOKEN_URI"], environment, folder)


def test_c_with_meson(place):
    need("meson", "ninja")
    environment, folder = outside(place, "c_meson")
    run(["meson", "setup", "-Dwerror=true", "build"], environment, folder)
    output = run(["meson", "test", "-C", "build", "-v"], environment, folder)
    assert re.search(r"^Ok: +5 *$", output, re.M) and re.search(r"^Fail: +0 *$", output, re.M), output

    # Code that does not recover, and code that tries a PIN again, are noticed.
    original = (folder / "signer.c").read_text(encoding="utf-8")
    for old, new, failing in (("rv == CKR_SESSION_HANDLE_INVALID ||", "", "recovers from a lost session"),
                              ("return rv == CKR_SESSION_HANDLE", "return rv == CKR_PIN_INCORRECT || rv == CKR_SESSION_HANDLE", ""),
                              ("*rv = connect_token(signer);\n",
                               "*rv = connect_token(signer);\n        if (*rv == CKR_PIN_INCORRECT)\n"
                               "            *rv = connect_token(signer);\n", "tries a wrong PIN once")):
        (folder / "signer.c").write_text(original, encoding="utf-8")
        change(folder / "signer.c", old, new)
        output = run(["meson", "test", "-C", "build"], environment, folder, status=1 if failing else 0)
        failed = re.findall(r"^ *\d+/5 (.*?) +FAIL", output, re.M)
        assert failed == ([failing] if failing else []), output


def test_c_with_meson_without_a_module(place):
    need("meson", "ninja")
    environment, folder = outside(place, "c_meson")
    environment["SOFTHSM2_MODULE"] = "/no/such/module.so"
    run(["meson", "setup", "build"], environment, folder)
    output = run(["meson", "test", "-C", "build"], environment, folder)
    assert re.search(r"^Skipped: +5 *$", output, re.M), output


def test_cmake(place):
    need("cmake", "ctest", "ninja")
    environment, folder = outside(place, "cmake")
    run(["cmake", "-S", ".", "-B", "build", "-GNinja"], environment, folder)
    run(["cmake", "--build", "build"], environment, folder)
    output = run(["ctest", "--output-on-failure"], environment, folder / "build")
    assert "100% tests passed" in output, output
    assert re.findall(r"^\d/4 Test #\d: (\S+) \.+ +Passed", output, re.M) == ["lists_keys", "notices_a_removed_token", "library"]
    assert re.search(r"needs_what_no_module_can \.+\*\*\*Skipped", output), output
    environment["SOFTHSM2_MODULE"] = "/no/such/module.so"
    output = run(["ctest"], environment, folder / "build")
    assert output.count("***Skipped") >= 2, output


def test_cmake_arguments(place):
    need("cmake", "ctest", "ninja")
    environment, folder = outside(place)
    place.file("CMakeLists.txt", """cmake_minimum_required(VERSION 3.20)
project(arguments C)
enable_testing()
find_package(SoftHsmFixtures 0.1 REQUIRED)
softhsm_fixture_add_test(NAME "odd words" TOKEN "a b" "c;d" FAULT "slow function=C_Sign ms=1; slow function=C_Login ms=1"
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMAND sh -c "printf '<%s>' \\"$PKCS11_TOKEN_LABEL_2\\" \\"$PKCS11_FAULT\\" \\"$@\\" ; test -e CMakeLists.txt" x "y z" "" "a;b")
if(NOT EXISTS "${SoftHsmFixtures_FAULT_MODULE}" OR NOT EXISTS "${SoftHsmFixtures_COMMAND}")
  message(FATAL_ERROR "something is not there")
endif()
""")
    run(["cmake", "-S", ".", "-B", "build", "-GNinja"], environment, folder)
    output = run(["ctest", "-V"], environment, folder / "build")
    assert "<c;d><slow function=C_Sign ms=1; slow function=C_Login ms=1><y z><><a;b>" in output, output
    for version, status in (("0.1", 0), ("0.1.0", 0), ("99.0", 1), ("0.0", 1), ("1", 1)):
        change(folder / "CMakeLists.txt", next(iter(re.findall(r"SoftHsmFixtures [\d.]+",
                                                               (folder / "CMakeLists.txt").read_text(encoding="utf-8")))),
               f"SoftHsmFixtures {version}")
        run(["cmake", "-S", ".", "-B", f"build-{version}", "-GNinja"], environment, folder, status)
    change(folder / "CMakeLists.txt", "SoftHsmFixtures 1", "SoftHsmFixtures 0.1")
    change(folder / "CMakeLists.txt", "TOKEN", "TOEKN")
    assert "known are" in " ".join(run(["cmake", "-S", ".", "-B", "build", "-GNinja"], environment, folder, status=1).split())


def test_python(place):
    environment, folder = outside(place, "python")
    output = run([sys.executable, "-m", "unittest", "-v"], environment, folder)
    assert re.search(r"^Ran 6 tests", output, re.M) and "FAILED" not in output, output
    change(folder / "signer.py", "GONE = {0x32, 0x60, 0x82, 0xB3, 0xB0, 0x101}", "GONE = set()")
    output = run([sys.executable, "-m", "unittest"], environment, folder, status=1)
    assert re.search(r"^FAILED \(errors=2", output, re.M), output
    environment["SOFTHSM2_MODULE"] = "/no/such/module.so"
    assert "skipped=6" in run([sys.executable, "-m", "unittest"], environment, folder)


def test_shell(place):
    need("pkcs11-tool", "openssl")
    environment, folder = outside(place, "shell")
    command = ["softhsm-fixture", "run", "--fault-module", "--", "./test_signing.sh"]
    assert run(command, environment, folder).count(": ok\n") == 4
    change(folder / "test_signing.sh", """softhsm-fixture fault '{"fault": "corrupt-signature"}'""", "true")
    assert "FAILED: a corrupt signature" in run(command, environment, folder, status=1)


def test_pkg_config(place):
    need("pkg-config")
    environment, folder = outside(place)
    for variable in ("softhsm_fixture", "fault_module", "datadir"):
        path = pathlib.Path(run(["pkg-config", f"--variable={variable}", "softhsm-fixtures"], environment, folder).strip())
        assert path.exists() and path.resolve().is_relative_to(ROOT.resolve()), (variable, path)
    flags = run(["pkg-config", "--cflags", "--libs", "--static", "softhsm-fixtures"], environment, folder)
    assert not [name for name in ("nlohmann", "p11-kit", "crypto") if name in flags], flags


def test_links_of_the_installed_documents_lead_somewhere(_place):
    folder = PREFIX / "share" / "doc" / "softhsm-fixtures"
    documents = sorted(folder.rglob("*.md"))
    assert len(documents) >= 4, documents
    for document in documents:
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            assert link.startswith("https://") or (document.parent / link).exists(), f"{document.name}: {link}"


def test_cpp_with_pkg_config(place):
    need("pkg-config")
    environment, folder = outside(place)
    readme = (KIT / "README.md").read_text(encoding="utf-8")
    program = next(block for block in re.findall(r"```cpp\n(.*?)```", readme, re.S) if "int main" in block)
    place.file("program.cpp", program)
    flags = run(["pkg-config", "--cflags", "--libs", "softhsm-fixtures"], environment, folder).split()
    run([*COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Werror", "program.cpp", "-o", "program", *flags], environment, folder)
    # Helpers are found in an installation that was moved.
    run(["./program"], environment, folder)


def test_installed_headers_need_nothing_else(place):
    environment, folder = outside(place)
    include = PREFIX / "include"
    # Only the kit's own: the project that the kit is built with may install headers beside them.
    headers = sorted((include / "softhsm_fixtures").rglob("*.hpp"))
    assert len(headers) >= 10
    for header in headers:
        text = header.read_text(encoding="utf-8")
        foreign = [name for name in re.findall(r'^ *# *include *[<"]([^>"]+)', text, re.M)
                   if "/" in name and not name.startswith(("softhsm_fixtures/", "sys/"))]
        if foreign:
            assert "catch2" in header.name or "gtest" in header.name or "googletest" in header.name, (header.name, foreign)
            continue
        run([*COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-isystem", include,
             "-include", header, "/dev/null"], environment, folder)


def main():
    global KIT, ROOT, PREFIX, COMPILER  # pylint: disable=global-statement
    KIT = pathlib.Path(sys.argv[1]) / "softhsm_fixtures"
    COMPILER = [word for word in sys.argv[3:] if word != "ccache"]
    with tempfile.TemporaryDirectory(prefix="outside-test-") as temporary:
        ROOT = pathlib.Path(temporary).resolve() / "root"
        PREFIX = installation.install(sys.argv[2], ROOT)
        harness.COMMAND = PREFIX / "bin" / "softhsm-fixture"
        sys.argv[1:] = filter(None, os.environ.get("OUTSIDE_TESTS", "").split())
        return harness.main(globals())


if __name__ == "__main__":
    sys.exit(main())
