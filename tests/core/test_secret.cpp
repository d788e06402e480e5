// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/secret.hpp>
#include <keyway/core/secret_source.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <array>
#include <concepts>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>

using namespace keyway;
using keyway::test::TemporaryFolder;

namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>);
static_assert(!std::equality_comparable<Secret>);
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<Secret, std::string_view>);

std::filesystem::path write(const TemporaryFolder& folder, std::string_view content, mode_t mode) {
    auto path = folder.path() / "secret";
    std::ofstream(path, std::ios::binary) << content;
    ::chmod(path.c_str(), mode);
    return path;
}

std::string read_file_source(std::string_view content, mode_t mode = 0600) {
    const TemporaryFolder folder;
    const auto source = SecretSource::parse("file:" + write(folder, content, mode).string());
    return std::string(SecretReader().read(source, "user PIN").reveal());
}

}  // namespace

TEST_CASE("the four forms of a secret source are read and written") {
    for(const auto* text : {"env:PIN", "file:/etc/pin", "fd:3", "prompt:", "prompt:PIN of the root"}) {
        CHECK(SecretSource::parse(text).to_string() == text);
    }
    CHECK(SecretSource::parse("env:PIN").kind() == SecretSource::Kind::environment);
    CHECK(SecretSource::parse("file:/etc/pin").name() == "/etc/pin");
}

TEST_CASE("what is no secret source is refused without being repeated") {
    for(const auto* text : {"hunter2-secret", "", "pass:hunter2-secret", "ENV:hunter2-secret", "fd:hunter2-secret"}) {
        const auto error = test::raised([&] { return SecretSource::parse(text); });
        CHECK(error.code() == Errc::invalid_option);
        if(std::string_view(text).find("fd:") != 0) {
            CHECK(std::string(error.what()).find("hunter2") == std::string::npos);
            CHECK(error.hint().find("hunter2") == std::string::npos);
        }
    }
    CHECK_RAISES(SecretSource::parse("env:"), Errc::invalid_option);
    CHECK_RAISES(SecretSource::parse("fd:-1"), Errc::invalid_option);
    CHECK_RAISES(SecretSource::parse("fd:3x"), Errc::invalid_option);
}

TEST_CASE("one line end is taken off a secret in a file, and no more") {
    CHECK(read_file_source("1234\n") == "1234");
    CHECK(read_file_source("1234\r\n") == "1234");
    CHECK(read_file_source("1234\n\n") == "1234\n");
    CHECK(read_file_source(" 12 34 ") == " 12 34 ");
}

TEST_CASE("a secret that cannot be read is an error, never an empty secret") {
    CHECK_RAISES(read_file_source(""), Errc::secret_unavailable);
    CHECK_RAISES(read_file_source("\n"), Errc::secret_unavailable);
    CHECK_RAISES(read_file_source(std::string(65 * 1024, 'x')), Errc::secret_unavailable);
    CHECK_RAISES(SecretReader().read(SecretSource::parse("file:/nonexistent/pin"), "PIN"), Errc::secret_unavailable);
    CHECK_RAISES(SecretReader().read(SecretSource::parse("fd:987"), "PIN"), Errc::secret_unavailable);
    CHECK_RAISES(SecretReader().read(SecretSource::parse("env:PIN"), "PIN"), Errc::secret_unavailable);
    CHECK_RAISES(SecretReader().read(SecretSource::parse("prompt:"), "PIN"), Errc::secret_unavailable);
}

TEST_CASE("a secret in a file that everybody can read or write is refused") {
    CHECK_RAISES(read_file_source("1234", 0604), Errc::permissions_insecure);
    CHECK_RAISES(read_file_source("1234", 0602), Errc::permissions_insecure);
    CHECK_RAISES(read_file_source("1234", 0620), Errc::permissions_insecure);
    CHECK(read_file_source("1234", 0640) == "1234");
}

TEST_CASE("a secret in a file of another user is refused") {
    if(::geteuid() != 0) {
        SKIP("only root can give a file away");
    }
    const TemporaryFolder folder;
    const auto path = write(folder, "1234", 0600);
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK_RAISES(SecretReader().read(SecretSource::parse("file:" + path.string()), "PIN"), Errc::permissions_insecure);
}

TEST_CASE("a secret is read from a descriptor, the environment and a person as handed in") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::write(ends[1], "from-pipe\n", 10) == 10);
    ::close(ends[1]);
    const auto from_pipe = SecretSource::parse("fd:" + std::to_string(ends[0]));
    const SecretReader keeps;
    CHECK(keeps.read(from_pipe, "PIN").reveal() == "from-pipe");
    CHECK(SecretReader(keeps).read(from_pipe, "PIN").reveal() == "from-pipe");  // a pipe gives it once only
    CHECK_RAISES(SecretReader().read(from_pipe, "PIN"), Errc::secret_unavailable);
    ::close(ends[0]);

    std::string asked;
    const SecretReader reader([](const std::string& name) { return std::optional(Secret("value of " + name)); },
                              [&](const std::string& text) {
                                  asked = text;
                                  return std::optional(Secret("typed"));
                              });
    CHECK(reader.read(SecretSource::parse("env:PIN"), "PIN").reveal() == "value of PIN");
    CHECK(reader.read(SecretSource::parse("prompt:"), "user PIN").reveal() == "typed");
    CHECK(asked == "user PIN");
    CHECK(reader.read(SecretSource::parse("prompt:Say it"), "user PIN").reveal() == "typed");
    CHECK(asked == "Say it");
}

TEST_CASE("a secret is copied only by clone") {
    const Secret secret("1234");
    const auto copy = secret.clone();
    CHECK(copy.reveal() == "1234");
    CHECK(copy.reveal().data() != secret.reveal().data());
}
