// SPDX-License-Identifier: BSD-2-Clause
#include <bench/ways.hpp>

#include <stdexcept>

namespace keyway::bench {

std::unique_ptr<Way> open_way(std::string_view name, const Place& place) {
    // The control is the raw loop once more: what differs between the two is the noise of the run.
    if(name == "raw" || name == "raw-control") {
        return raw_way(place, RawStyle::plain);
    }
    if(name == "raw-hashing") {
        return raw_way(place, RawStyle::hashing);
    }
    if(name == "raw-copies") {
        return raw_way(place, RawStyle::session_copies);
    }
    if(name == "naive") {
        return raw_way(place, RawStyle::naive);
    }
    if(name == "keyway") {
        return keyway_way(place, KeywayStyle::reused);
    }
    if(name == "keyway-new") {
        return keyway_way(place, KeywayStyle::renewed);
    }
    if(name == "keyway-copies") {
        return keyway_way(place, KeywayStyle::session_copies);
    }
    throw std::runtime_error("there is no way \"" + std::string(name) + "\"");
}

}  // namespace keyway::bench
