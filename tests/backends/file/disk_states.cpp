// SPDX-License-Identifier: BSD-2-Clause
#include <backends/file/disk_recorder.hpp>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace keyway::test {

namespace {

namespace fs = std::filesystem;

constexpr int folder = -1;

/// Names, and the number of the file or "folder".
using Names = std::map<std::string, int>;

/// A change of names in one folder, that is on the disk as a whole or not at all.
struct Change {
    std::string in;
    std::vector<std::pair<std::string, std::optional<int>>> names;
};

struct Content {
    std::string now;
    std::string synced;
};

std::string folder_of(const std::string& path) {
    return fs::path(path).parent_path().string();
}

/// A disk, as the calls leave it: what is on it for sure, and what may be.
class Disk {
public:
    explicit Disk(const DiskState& before) {
        for(const auto& [path, content] : before) {
            on_disk_[path] = content ? static_cast<int>(next_old_) : folder;
            if(content) {
                contents_[next_old_--] = {*content, *content};
            }
        }
        now_ = on_disk_;
    }

    void apply(const DiskCall& call) {
        using enum DiskCall::Kind;
        switch(call.kind) {
            case make_folder:
                change({folder_of(call.path), {{call.path, folder}}});
                break;
            case make_file:
                change({folder_of(call.path), {{call.path, call.file}}});
                break;
            case write:
                contents_[call.file].now += call.data;
                break;
            case sync_file:
                contents_[call.file].synced = contents_[call.file].now;
                break;
            case sync_folder:
                sync(call.path);
                break;
            case link:
                change({folder_of(call.to), {{call.to, call.file}}});
                break;
            case rename:
                change({folder_of(call.path), {{call.to, now_.at(call.path)}, {call.path, std::nullopt}}});
                break;
            case unlink:
            case remove_folder:
                change({folder_of(call.path), {{call.path, std::nullopt}}});
                break;
        }
    }

    void add_states(std::set<DiskState>& states) const {
        if(pending_.size() > 16) {
            throw std::length_error("too many changes that are not synced");
        }
        for(std::uint32_t chosen = 0; chosen < (1U << pending_.size()); ++chosen) {
            auto names = on_disk_;
            for(std::size_t i = 0; i < pending_.size(); ++i) {
                if((chosen >> i & 1U) != 0) {
                    put(names, pending_[i]);
                }
            }
            std::erase_if(names, [&](const auto& entry) { return !is_reachable(names, entry.first); });
            add_contents(names, names.begin(), {}, states);
        }
    }

private:
    static void put(Names& names, const Change& change) {
        for(const auto& [name, file] : change.names) {
            if(file) {
                names[name] = *file;
            } else {
                names.erase(name);
            }
        }
    }

    static bool is_reachable(const Names& names, const std::string& path) {
        const auto parent = folder_of(path);
        return parent.empty() || (names.contains(parent) && is_reachable(names, parent));
    }

    void change(const Change& made) {
        put(now_, made);
        pending_.push_back(made);
    }

    void sync(const std::string& path) {
        for(const auto& made : pending_) {
            if(made.in == path) {
                put(on_disk_, made);
            }
        }
        std::erase_if(pending_, [&](const Change& made) { return made.in == path; });
    }

    void add_contents(const Names& names, Names::const_iterator name, const DiskState& so_far, std::set<DiskState>& states) const {
        if(name == names.end()) {
            states.insert(so_far);
            return;
        }
        std::set<std::optional<std::string>> choices;
        if(name->second == folder) {
            choices.insert(std::nullopt);
        } else {
            const auto found = contents_.find(name->second);
            const auto content = found == contents_.end() ? Content() : found->second;
            choices = {content.synced};
            if(content.now != content.synced) {
                choices.insert({content.now, content.now.substr(0, content.now.size() / 2), std::string(),
                                std::string(content.now.size(), '\0')});
            }
        }
        for(const auto& choice : choices) {
            auto with = so_far;
            with[name->first] = choice;
            add_contents(names, std::next(name), with, states);
        }
    }

    Names on_disk_;
    Names now_;
    std::vector<Change> pending_;
    std::map<int, Content> contents_;
    int next_old_ = -2;  // downwards: those of the calls count upwards
};

}  // namespace

DiskState state_of(const fs::path& root) {
    DiskState state;
    for(const auto& entry : fs::recursive_directory_iterator(root)) {
        const auto name = entry.path().lexically_relative(root).string();
        if(entry.is_directory()) {
            state[name] = std::nullopt;
        } else {
            std::ifstream in(entry.path(), std::ios::binary);
            state[name] = std::string(std::istreambuf_iterator<char>(in), {});
        }
    }
    return state;
}

void write_state(const DiskState& state, const fs::path& root) {
    for(const auto& [name, content] : state) {  // a folder before what is in it
        const auto path = root / name;
        if(content) {
            std::ofstream(path, std::ios::binary) << *content;
            fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
        } else {
            fs::create_directory(path);
            fs::permissions(path, fs::perms::owner_all);
        }
    }
}

std::set<DiskState> states_after_power_cut(const DiskState& before, std::span<const DiskCall> calls) {
    Disk disk(before);
    for(const auto& call : calls) {
        disk.apply(call);
    }
    std::set<DiskState> states;
    disk.add_states(states);
    return states;
}

}  // namespace keyway::test
