// SPDX-License-Identifier: BSD-2-Clause
// The power goes after each call to the file system, and the disk shows anything that it may show then.
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/store_checker.hpp>

#include <backends/file/disk_recorder.hpp>
#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <functional>
#include <sys/stat.h>

using namespace keyway;
using keyway::test::DiskRecorder;
using keyway::test::DiskState;
using keyway::test::OpenedBackend;
using keyway::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

OpenedBackend opened(const fs::path& root) {
    return {file_backend(),
            {{"path", (root / "keys").string()}, {"passphrase", "env:PASS"}, {"scrypt-parallelization", "1"}},
            {{"PASS", "correct horse"}}};
}

enum class There { no, perhaps, yes };

/// What a key has to be from some call on.
struct From {
    std::size_t calls;
    There there;
};

/// Changes that are recorded: which keys have to be there, when.
class Story {
public:
    explicit Story(DiskRecorder::Offers offers) : offers_(offers) {}

    /// A key that is there, and on the disk, from the beginning on.
    void begin_with(const std::string& label) {
        keys_.emplace(label, backend_.create("p-256", {{"label", label}, {"unencrypted-insecure", "true"}}).ref);
        expected_[label] = {{0, There::yes}};
    }

    void record(const std::function<void(Story&)>& changes) {
        before_ = test::state_of(folder_.path());
        const DiskRecorder recorder(folder_.path(), offers_);
        recorder_ = &recorder;
        changes(*this);
        calls_ = recorder.calls();
        recorder_ = nullptr;
    }

    void create(const std::string& label, const std::string& format = "pem") {
        begin(label);
        keys_.insert_or_assign(label, backend_.create("p-256", {{"label", label}, {"format", format}}).ref);
        end(label, There::yes);
    }

    void store(const std::string& label) {
        begin(label);
        keys_.insert_or_assign(label, backend_.store(*generate_software_key(KeySpec::parse("ed25519")), {{"label", label}}));
        end(label, There::yes);
    }

    void remove(const std::string& label) {
        begin(label);
        backend_.remove(keys_.at(label));
        end(label, There::no);
    }

    [[nodiscard]] const fs::path& root() const { return folder_.path(); }
    [[nodiscard]] const OpenedBackend& backend() const { return backend_; }

    /// Looks at each thing that the disk may show. @return how many
    int cut_the_power() const {
        std::set<std::pair<DiskState, std::map<std::string, There>>> seen;
        for(std::size_t calls = 0; calls <= calls_.size(); ++calls) {
            const auto now = expected_after(calls);
            for(const auto& state : test::states_after_power_cut(before_, std::span(calls_).first(calls))) {
                if(seen.emplace(state, now).second) {
                    INFO("after " << calls << " of " << calls_.size() << " calls");
                    look_at(state, now);
                }
            }
        }
        return static_cast<int>(seen.size());
    }

private:
    void begin(const std::string& label) {
        auto& expected = expected_[label];
        if(expected.empty()) {
            expected.push_back({0, There::no});
        }
        expected.push_back({recorder_->calls().size() + 1, There::perhaps});
    }
    void end(const std::string& label, There there) { expected_[label].push_back({recorder_->calls().size(), there}); }

    [[nodiscard]] std::map<std::string, There> expected_after(std::size_t calls) const {
        std::map<std::string, There> now;
        for(const auto& [label, all] : expected_) {
            for(const auto& from : all) {
                if(from.calls <= calls) {
                    now[label] = from.there;
                }
            }
        }
        return now;
    }

    void look_at(const DiskState& state, const std::map<std::string, There>& expected) const {
        const TemporaryFolder disk;
        test::write_state(state, disk.path());
        std::string names;
        for(const auto& [name, content] : state) {
            names += name + (content ? " (" + std::to_string(content->size()) + ")" : "/") + " ";
        }
        const auto after = opened(disk.path());
        const auto listing = after.listing();
        for(const auto& [label, there] : expected) {
            INFO(label << " on " << names);
            CHECK(listing.faults.empty());  // no half a key
            const auto error = after.check(keys_.at(label));
            if(there == There::yes) {
                CHECK(!error);
            } else if(there == There::no) {
                CHECK((error && error->code() == Errc::key_not_found));
            }
            if(error) {
                CHECK(error->code() == Errc::key_not_found);
                // Its label is free, and what is left does not stand in the way.
                const auto again = after.create("p-256", {{"label", label}, {"unencrypted-insecure", "true"}});
                CHECK(!after.check(again.ref));
            }
        }
    }

    DiskRecorder::Offers offers_;
    TemporaryFolder folder_;
    OpenedBackend backend_ = opened(folder_.path());
    std::map<std::string, KeyRef> keys_;
    std::map<std::string, std::vector<From>> expected_;
    DiskState before_;
    const DiskRecorder* recorder_ = nullptr;
    std::vector<test::DiskCall> calls_;
};

DiskRecorder::Offers each_way() {
    return GENERATE(DiskRecorder::Offers::nameless_files, DiskRecorder::Offers::named_files_only);
}

}  // namespace

TEST_CASE("the first key of a folder is there from the answer on, or leaves nothing in the way") {
    Story story(each_way());
    story.record([](Story& changes) { changes.create("first"); });
    CHECK(story.cut_the_power() >= 3);
}

TEST_CASE("a folder that another process made just before it was killed does not take the key along") {
    Story story(each_way());
    story.record([](Story& changes) {
        REQUIRE(::mkdir((changes.root() / "keys").c_str(), 0700) == 0);
        changes.create("first");
    });
    CHECK(story.cut_the_power() >= 3);
}

TEST_CASE("keys are added and removed beside others, which stay") {
    Story story(each_way());
    story.begin_with("old");
    story.begin_with("older");
    story.record([](Story& changes) {
        changes.create("new");
        changes.create("in-der", "der");
        changes.store("stored");
        changes.remove("older");
        changes.remove("new");
    });
    CHECK(story.cut_the_power() >= 12);
}

TEST_CASE("looking leaves nothing, and a key that is refused changes nothing") {
    Story story(each_way());
    story.begin_with("old");
    story.record([](Story& changes) {
        CHECK(!dynamic_cast<const StoreChecker&>(*changes.backend().operator->()).check_writable({}));
        CHECK(test::raised([&] { return changes.backend().create("p-256", {{"label", "old"}}); }).code() == Errc::already_exists);
    });
    CHECK(story.cut_the_power() == 1);
}

TEST_CASE("the model of a disk loses what may be lost, and keeps what may not") {
    using Kind = test::DiskCall::Kind;
    const DiskState before{{"keys", std::nullopt}};
    std::vector<test::DiskCall> calls{{.kind = Kind::make_file, .file = 0, .path = "keys/a"},
                                      {.kind = Kind::write, .file = 0, .data = "ab"}};
    const auto with = [](const std::string& content) { return DiskState{{"keys", std::nullopt}, {"keys/a", content}}; };
    CHECK(test::states_after_power_cut(before, calls) ==
          std::set<DiskState>{before, with(""), with("a"), with("ab"), with(std::string(2, '\0'))});
    calls.push_back({.kind = Kind::sync_file, .file = 0});
    CHECK(test::states_after_power_cut(before, calls) == std::set<DiskState>{before, with("ab")});
    calls.push_back({.kind = Kind::sync_folder, .path = "keys"});
    CHECK(test::states_after_power_cut(before, calls) == std::set<DiskState>{with("ab")});
    calls.push_back({.kind = Kind::rename, .path = "keys/a", .to = "keys/b"});
    const DiskState renamed{{"keys", std::nullopt}, {"keys/b", "ab"}};
    CHECK(test::states_after_power_cut(before, calls) == std::set<DiskState>{with("ab"), renamed});
}
