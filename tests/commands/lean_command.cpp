// SPDX-License-Identifier: BSD-2-Clause
// The command of a build that has keys in files only.
#include <keyway_command.hpp>

#include <keyway/keyring/keyring.hpp>

#include <string>

int main(int argc, char** argv) {
    const auto all = keyway::standard_backends();
    keyway::BackendRegistry lean;
    for(const auto& type : all.types()) {
        if(type.name == "file") {
            auto without_a_part = type;
            without_a_part.left_out.push_back({.name = "tape", .title = "files on tapes", .how = "build with -Dtape=enabled"});
            lean.add(without_a_part);
        } else {
            lean.add_left_out({.name = type.name,
                               .title = type.title,
                               .how = "install lib" + type.name + "-dev, and build with: meson setup -D" + type.name + "=enabled"});
        }
    }
    return keyway::keyway_command(argc, argv, lean);
}
