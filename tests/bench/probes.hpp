// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/ways.hpp>

#include <string>
#include <vector>

namespace keyway::bench {

/// What is done once in a process, and timed: the program ends after it. Each line of output is a name and a number;
/// each time has a second line, NAME-cpu, with the processor's.
///
///   raw LABEL       initialise, log-in, find, sign, in seconds: C_Initialize (with loading the module), C_Login, finding
///                   the key, the first signature
///   keyway REF      open: from settings to a key that can sign; sign: its first signature (which is verified);
///                   find: opening it a second time, when all but the search is there
///   ref LABEL       the key reference, instead of a number
///   list            list: all keys, in seconds, after C_Initialize; keys: how many
///   refs            the references of all keys, a line each, instead of names and numbers
///   open-all FILE   open: each key of the references in the file ready to sign, after C_Initialize; keys: how many
///   verify WAY KIND nothing; fails when what the way makes is no signature of the message
///
/// @throws Absent when this build cannot do it
void probe(const std::vector<std::string>& arguments);

}  // namespace keyway::bench
