// SPDX-License-Identifier: BSD-2-Clause
#include "keyway_command.hpp"

#include <keyway/keyring/keyring.hpp>

int main(int argc, char** argv) {
    return keyway::keyway_command(argc, argv, keyway::standard_backends());
}
