// SPDX-License-Identifier: BSD-2-Clause
// The files through which a module is steered and watched, when they change at a bad moment or cannot be written.
#include "harness.hpp"

#include <softhsm_fixtures/temporary_folder.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using fault_test::Faulted;
using fault_test::status_of_child;

namespace {

[[nodiscard]] CK_RV get_info(Faulted& faulted) {
    CK_INFO info{};
    return faulted.p11().C_GetInfo(&info);
}

void write_anew(Faulted& faulted, const std::string& line) {
    std::ofstream(faulted.fault().control_path(), std::ios::trunc) << line << '\n';
}

[[nodiscard]] bool is_json(const std::string& line) {
    return nlohmann::json::accept(line);
}

/// The numeric language of the process, until the end of the scope.
class NumericLanguage {
public:
    explicit NumericLanguage(const std::string& name) : set_(std::setlocale(LC_NUMERIC, name.c_str()) != nullptr) {}
    ~NumericLanguage() { std::setlocale(LC_NUMERIC, "C"); }
    NumericLanguage(const NumericLanguage&) = delete;
    NumericLanguage& operator=(const NumericLanguage&) = delete;
    [[nodiscard]] bool is_set() const { return set_; }

private:
    bool set_;
};

} // namespace

TEST_CASE("a line is obeyed once, also when others are added while the file is read") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    faulted.fault().inject(R"({"fault": "return", "function": "C_GetInfo", "rv": "CKR_DEVICE_ERROR", "times": 1})");
    // So that there is something to read.
    std::ofstream(faulted.fault().control_path(), std::ios::app) << std::string(500'000, ' ') << '\n';
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (int i = 0; i < 1000; ++i) {
            faulted.fault().inject(R"({"clear": "slow"})");
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        stop = true;
    });
    int failed = 0;
    while (!stop) {
        failed += get_info(faulted) == CKR_OK ? 0 : 1;
    }
    writer.join();
    CHECK(failed == 1);
}

TEST_CASE("a file that is written anew at once, as long as before, is read anew") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    int looked_at = 0;
    for (int i = 0; i < 20; ++i) {
        const auto start = std::chrono::steady_clock::now();
        write_anew(faulted, R"({"fault": "return", "function": "C_GetInfo", "rv": "0x80000001"})");
        const auto changed = std::filesystem::last_write_time(faulted.fault().control_path());
        const CK_RV first = get_info(faulted);
        write_anew(faulted, R"({"fault": "return", "function": "C_GetInfo", "rv": "0x80000002"})");
        // As it is where the clock of files is coarse.
        std::filesystem::last_write_time(faulted.fault().control_path(), changed);
        const CK_RV second = get_info(faulted);
        if (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(50)) {
            ++looked_at;
            CHECK(first == 0x80000001);
            CHECK(second == 0x80000002);
        }
    }
    CHECK(looked_at > 0);
}

TEST_CASE("counters are set back once more when the file is written anew with the same line") {
    Faulted faulted;
    REQUIRE(faulted.initialise() == CKR_OK);
    for (int i = 0; i < 3; ++i) {
        CHECK(get_info(faulted) == CKR_OK);
        CHECK(get_info(faulted) == CKR_OK);
        faulted.fault().clear();
        CHECK(get_info(faulted) == CKR_OK);
        write_anew(faulted, R"({"reset": "counters"})");
        static_cast<void>(faulted.slots());
        CHECK(faulted.fault().calls("C_GetInfo") == 0);
    }
    // A process that comes to it later reads a line that was obeyed.
    CHECK(get_info(faulted) == CKR_OK);
    CHECK(std::system(("'" LOADER "' '" + faulted.fault().path().string() + "'").c_str()) == 0);
    CHECK(faulted.fault().calls("C_GetInfo") == 2);
}

TEST_CASE("a pipe steers nothing") {
    Faulted faulted;
    const softhsm_fixtures::TemporaryFolder folder("control");
    const std::string pipe = (folder.path() / "pipe").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(reader >= 0);
    const std::string said = (folder.path() / "said").string();
    CHECK(std::system(("PKCS11_FAULT_CONTROL='" + pipe + "' '" LOADER "' '" + faulted.fault().path().string() + "' 2> '" +
                       said + "'").c_str()) != 0);
    std::ifstream file(said);
    std::string line;
    std::getline(file, line);
    CHECK(line.find('"' + pipe + "\" is a pipe") != std::string::npos);
    ::close(reader);
}

TEST_CASE("a full disk cuts one line of the log, and is told") {
    Faulted faulted;
    const softhsm_fixtures::TemporaryFolder folder("said");
    const std::string said = (folder.path() / "said").string();
    REQUIRE(faulted.initialise() == CKR_OK);
    CHECK(status_of_child([&] {
              const int file = ::open(said.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
              ::dup2(file, STDERR_FILENO);
              std::signal(SIGXFSZ, SIG_IGN);
              const rlim_t size = std::filesystem::file_size(faulted.fault().log_path());
              rlimit limit{size + 20, RLIM_INFINITY};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              const CK_RV answer = get_info(faulted);
              const bool same = get_info(faulted) == answer;
              limit.rlim_cur = RLIM_INFINITY;
              ::setrlimit(RLIMIT_FSIZE, &limit);
              return same && get_info(faulted) == answer ? 7 : 8;
          }) == 7);
    const auto lines = faulted.fault().log();
    REQUIRE(lines.size() == 3);
    CHECK(is_json(lines[0]));
    CHECK_FALSE(is_json(lines[1]));
    CHECK(is_json(lines[2]));
    std::ifstream file(said);
    std::string told;
    std::getline(file, told);
    CHECK(told.find("the call log cannot be written") != std::string::npos);
    CHECK_FALSE(std::getline(file, told));
}

TEST_CASE("the log is JSON where numbers have a comma") {
    const softhsm_fixtures::TemporaryFolder folder("languages");
    const std::string made = (folder.path() / "comma").string();
    if (std::system(("localedef -i de_DE -f UTF-8 '" + made + "' > /dev/null 2>&1").c_str()) != 0) {
        SKIP("localedef cannot make a German locale here");
    }
    Faulted faulted;
    ::setenv("LOCPATH", folder.path().c_str(), 1);
    {
        const NumericLanguage german("comma");
        REQUIRE(german.is_set());
        REQUIRE(std::string(std::localeconv()->decimal_point) == ",");
        CHECK(faulted.initialise() == CKR_OK);
    }
    ::unsetenv("LOCPATH");
    const auto lines = faulted.fault().log();
    REQUIRE(lines.size() == 1);
    REQUIRE(is_json(lines[0]));
    CHECK(nlohmann::json::parse(lines[0])["us"].get<double>() > 0);
}

TEST_CASE("a process that runs many tests does not run out of files") {
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    };
    if (!std::filesystem::exists("/proc/self/fd")) {
        SKIP("the system does not tell which files are open");
    }
    { Faulted first; }
    const auto before = open_files();
    for (int i = 0; i < 5; ++i) {
        Faulted faulted;
        CHECK(faulted.initialise() == CKR_OK);
    }
    CHECK(open_files() <= before + 1);
}
