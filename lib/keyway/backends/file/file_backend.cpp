// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/backends/file/key_folder_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/naming_backend_internal.hpp>
#include <keyway/key/observed_key_internal.hpp>
#include <keyway/key/pbes2_internal.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/store_checker.hpp>
#include <keyway/key/store_identity.hpp>

#include <botan/pem.h>
#include <botan/pk_keys.h>
#include <botan/x509_key.h>

#include <algorithm>
#include <utility>

namespace keyway {

namespace {

constexpr std::string_view type_name = "file";
constexpr std::uint64_t most_parallelization = 64;

enum class Format { pem, der };

OptionTable option_table() {
    using enum Phase;
    return {
        {.name = "path",
         .type = OptionType::path,
         .phases = {settings},
         .help = "the folder with the key files; made with mode 0700 when the first key is put into it"},
        {.name = "passphrase",
         .type = OptionType::secret_source,
         .phases = {settings, create, store, adopt, use},
         .help = "the source of the passphrase that the key is encrypted with"},
        {.name = "label",
         .type = OptionType::text,
         .phases = {create, store, adopt},
         .help = "the key's name; its file is LABEL.pem or LABEL.der"},
        {.name = "file",
         .type = OptionType::path,
         .phases = {adopt},
         .help = "in place of the label: the file of a key to adopt, its name or its path in the folder"},
        {.name = "format",
         .type = OptionType::text,
         .phases = {create, store},
         .default_value = "pem",
         .help = "the form of the new file: pem, which states the public key too, or der",
         .values = {"pem", "der"}},
        {.name = "scrypt-parallelization",
         .type = OptionType::number,
         .phases = {settings, create, store},
         .default_value = "5",
         .help = "how much work it is to open the new file, 1 to 64, each about 50 ms; memory stays at 16 MiB"},
        {.name = "unencrypted-insecure",
         .type = OptionType::flag,
         .phases = {create, store},
         .help = "write the new key in clear, for whoever can read the disk or a copy of it"},
    };
}

/// The option "label", as the beginning of a file's name.
KeyLabel file_label(const OptionValues& options) {
    auto label = KeyLabel::of(options);
    if(label.str().find('/') != std::string::npos || label.str().starts_with('.')) {
        throw Error(Errc::invalid_option,
                    in_quotes(label.str()) + " cannot be the name of a key file",
                    "choose a label without a slash that does not begin with a dot");
    }
    return label;
}

/// What a new file is to be like.
struct NewFile {
    KeyLabel label;
    Format format;
    bool encrypted;
    std::size_t scrypt_parallelization;

    static NewFile of(const OptionValues& options) {
        auto label = file_label(options);
        const auto format = options.text("format").value_or("pem");
        if(format != "pem" && format != "der") {
            throw Error(Errc::invalid_option, "there is no key file format " + in_quotes(format),
                        "use pem or der");
        }
        const auto parallelization = options.number("scrypt-parallelization").value_or(1);
        if(parallelization < 1 || parallelization > most_parallelization) {
            throw Error(Errc::invalid_option,
                        "the option \"scrypt-parallelization\" is out of range",
                        "use 1 to " + std::to_string(most_parallelization));
        }
        const bool in_clear = options.flag("unencrypted-insecure");
        const auto* const passphrase = options.find("passphrase");
        if(in_clear && passphrase != nullptr && passphrase->origin.kind == OptionOrigin::Kind::call) {
            throw Error(Errc::invalid_option,
                        "the options \"passphrase\" and \"unencrypted-insecure\" contradict each other",
                        "give one of them");
        }
        if(!in_clear && passphrase == nullptr) {
            throw Error(Errc::secret_unavailable,
                        "there is no passphrase to encrypt the new key with",
                        "give the option \"passphrase\" (env:NAME, file:PATH, fd:N or prompt:)");
        }
        return {std::move(label), format == "pem" ? Format::pem : Format::der, !in_clear, parallelization};
    }

    [[nodiscard]] std::string name() const { return name_as(format); }

    [[nodiscard]] std::string name_as(Format as) const {
        return label.str() + (as == Format::pem ? ".pem" : ".der");
    }
};

void append(Botan::secure_vector<std::uint8_t>& bytes, const std::string& text) {
    bytes.insert(bytes.end(), text.begin(), text.end());
}

class FileBackend final : public KeyBackend,
                          public KeyLister,
                          public KeyRemover,
                          public KeyAdopter,
                          public KeyExporter,
                          public StoreChecker,
                          public StoreIdentity,
                          public NewKeyChecker {
public:
    FileBackend(const BackendAlias& name,
                std::shared_ptr<const OptionTable> table,
                OptionValues values,
                const BackendContext& context)
        : KeyBackend(name, std::move(table), std::move(values)),
          secrets_(context.secrets),
          observer_(context.observer),
          folder_(required_path()),
          capabilities_(BackendCapabilities::everything()) {
        capabilities_.import_only = {KeyType::dsa};
    }

    CreatedKey create(const KeySpec& spec, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::create, options);
            require_offered(spec);
            const auto file = NewFile::of(values);
            require_free(file);  // before the work of making a key
            const auto key = generate_software_key(spec);
            auto ref = add(*key, file, values);
            return CreatedKey{std::move(ref), key->public_key()};
        });
    }

    KeyRef store(const Botan::Private_Key& key, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::store, options);
            require_importable(KeySpec::of(key));
            require_sound(key);
            const auto file = NewFile::of(values);
            require_free(file);
            return add(key, file, values);
        });
    }

    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            auto key = export_key(ref, options);
            return observed(std::move(key), alias().str(), "key in file " + in_quotes(folder_.file(name_of(ref)).string()), observer_);
        });
    }

    std::unique_ptr<Botan::Private_Key> export_key(const KeyRef& ref, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            return opened(find(ref), ref, passphrase(values));
        });
    }

    std::optional<Error> check(const KeyRef& ref, const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                const auto values = completed(Phase::use, options);
                const auto file = find(ref);
                if(values.has("passphrase") || !file.is_encrypted()) {
                    static_cast<void>(opened(file, ref, passphrase(values)));
                } else {
                    require_same(ref, *public_half(file, {}));
                }
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    std::string store_identity() const override {
        std::error_code ignored;
        const auto folder = folder_.file("");
        const auto canonical = std::filesystem::weakly_canonical(folder, ignored);
        return (canonical.empty() ? folder : canonical).string();
    }

    std::optional<Error> check_writable(const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                static_cast<void>(completed(Phase::use, options));
                folder_.require_writable();
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    KeyListing list(const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            const auto ask = passphrase(values);
            KeyListing listing;
            for(const auto& name : folder_.names()) {
                try {
                    if(auto key = listed(name, ask)) {
                        listing.keys.push_back(std::move(*key));
                    }
                } catch(const Error& error) {
                    // A secret's source that fails, fails for all of them; anything else is one file's fault.
                    if(error.code() == Errc::secret_unavailable && values.has("passphrase")) {
                        throw;
                    }
                    listing.faults.push_back(error.in_backend(alias().str()));
                }
            }
            return listing;
        });
    }

    void remove(const KeyRef& ref, const OptionValues& options) override {
        naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            require_same(ref, *public_half(find(ref), passphrase(values)));
            folder_.remove(name_of(ref));
        });
    }

    KeyRef adopt(const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::adopt, options);
            const auto name = adopted_file(values);
            const auto bytes = folder_.read(name);
            if(!bytes) {
                throw no_file(name);
            }
            const auto key = PrivateKeyFile::parse(*bytes, folder_.file(name).string()).open(passphrase(values));
            require_importable(KeySpec::of(*key));
            require_sound(*key);
            require_signing(*key);
            auto ref = reference(name, *key);
            static_cast<void>(find(ref));  // by its reference, so that it is seen to lead to the key
            return ref;
        });
    }

    std::optional<Error> check_new(const KeySpec& spec, Phase phase, const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                const auto values = completed(phase, options);
                phase == Phase::create ? require_offered(spec) : require_importable(spec);
                require_free(NewFile::of(values));
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    const BackendCapabilities& capabilities() const override { return capabilities_; }

private:
    [[nodiscard]] Error no_file(const std::string& name) const {
        return {Errc::key_not_found, "there is no key file " + in_quotes(folder_.file(name).string()),
                "list the keys of backend " + in_quotes(alias().str()) + " to see those there are"};
    }

    /// The name in the folder of the one file that is to be adopted.
    [[nodiscard]] std::string adopted_file(const OptionValues& values) const {
        const auto path = values.path("file");
        if(path.has_value() == values.has("label")) {
            throw Error(Errc::invalid_option, path ? "both a label and a file tell which key to adopt"
                                                   : "nothing tells which key of the folder to adopt",
                        "give its label, or its file in the folder");
        }
        if(!path) {
            const auto label = file_label(values).str();
            const bool is_pem = folder_.has(label + ".pem");
            const bool is_der = folder_.has(label + ".der");
            if(is_pem && is_der) {
                throw Error(Errc::key_ambiguous, "there are two key files with label " + in_quotes(label),
                            "name one as file: " + label + ".pem or " + label + ".der");
            }
            return label + (is_der ? ".der" : ".pem");
        }
        const auto name = path->filename().string();
        const auto parent = path->parent_path();
        if(!parent.empty() && std::filesystem::absolute(*path).lexically_normal() != folder_.file(name).lexically_normal()) {
            throw Error(Errc::invalid_option, in_quotes(path->string()) + " is not in the folder of backend " +
                                                  in_quotes(alias().str()) + ", " + in_quotes(folder_.file({}).string()),
                        "move the file there, or import the key with `keyway key store`");
        }
        if(name.starts_with('.') || !(name.ends_with(".pem") || name.ends_with(".der"))) {
            throw Error(Errc::invalid_option, in_quotes(name) + " cannot be the name of a key file",
                        "rename it: a key file ends in .pem or .der, and does not begin with a dot");
        }
        return name;
    }

    [[nodiscard]] std::filesystem::path required_path() const {
        return naming_backend(alias(), [&] {
            const auto path = settings().path("path");
            if(!path) {
                throw Error(Errc::invalid_option,
                            "the backend " + in_quotes(alias().str()) + " has no \"path\"",
                            "name the folder for its key files");
            }
            return *path;
        });
    }

    /// Reads the passphrase when it is first asked for, and once only: one call of the backend asks once.
    [[nodiscard]] AskPassphrase passphrase(const OptionValues& values) const {
        const auto source = values.secret_source("passphrase");
        if(!source) {
            return {};
        }
        return [this, source = *source, read = std::make_shared<std::optional<Secret>>()] {
            if(!*read) {
                *read = secrets_.read(source, "passphrase of backend " + in_quotes(alias().str()));
            }
            return (*read)->clone();
        };
    }

    /// A key is found by its file's name, so that one label must not stand for two files.
    void require_free(const NewFile& file) const {
        for(const auto format : {Format::pem, Format::der}) {
            if(folder_.has(file.name_as(format))) {
                throw Error(Errc::already_exists,
                            "there is a key " + in_quotes(file.label.str()) + " already (" +
                                in_quotes(folder_.file(file.name_as(format)).string()) + ")",
                            "choose another label; nothing is ever overwritten");
            }
        }
    }

    KeyRef add(const Botan::Private_Key& key, const NewFile& file, const OptionValues& values) {
        const auto info = private_key_info(key);
        // What is written is what counts: a key may state its public half in several ways (a compressed point).
        const auto written = read_private_key(info, file.label.str());
        auto bytes = info;
        if(file.encrypted) {
            const auto encrypted = encrypt_pkcs8(info, passphrase(values)(), file.scrypt_parallelization);
            bytes.assign(encrypted.begin(), encrypted.end());
        }
        if(file.format == Format::pem) {
            const auto text = Botan::PEM_Code::encode(bytes,
                                                      file.encrypted ? "ENCRYPTED PRIVATE KEY" : "PRIVATE KEY");
            bytes.clear();
            append(bytes, text);
            append(bytes, Botan::X509::PEM_encode(*written));
        }
        folder_.add(file.name(), bytes, [&] { require_free(file); });
        return reference(file.name(), *written);
    }

    [[nodiscard]] KeyRef reference(const std::string& name, const Botan::Public_Key& key) const {
        return {alias(), std::string(type_name), KeySpec::of(key), SpkiFingerprint::of(key),
                KeyLocator().set("file", name)};
    }

    [[nodiscard]] std::string name_of(const KeyRef& ref) const {
        require_own(ref, type_name);
        const auto name = ref.locator().find("file");
        if(!name || name->empty() || name->starts_with('.') || name->find('/') != std::string::npos) {
            throw Error(Errc::malformed_data,
                        "the key reference names no file in the folder of backend " + in_quotes(alias().str()),
                        "take the reference from a listing of the backend's keys");
        }
        return *name;
    }

    [[nodiscard]] PrivateKeyFile find(const KeyRef& ref) const {
        const auto name = name_of(ref);
        const auto path = folder_.file(name).string();
        const auto bytes = folder_.read(name);
        if(!bytes) {
            throw no_file(name);
        }
        return PrivateKeyFile::parse(*bytes, path);
    }

    [[nodiscard]] std::unique_ptr<Botan::Private_Key> opened(const PrivateKeyFile& file,
                                                             const KeyRef& ref,
                                                             const AskPassphrase& ask) const {
        if(file.public_key() != nullptr) {
            require_same(ref, *file.public_key());  // before anybody is asked for a passphrase
        }
        auto key = file.open(ask);
        require_same(ref, *key);
        return key;
    }

    /// As the file states it, or else from the opened key.
    [[nodiscard]] std::shared_ptr<const Botan::Public_Key> public_half(const PrivateKeyFile& file,
                                                                       const AskPassphrase& ask) const {
        if(file.public_key() != nullptr) {
            return file.public_key();
        }
        return file.open(ask);
    }

    /// Nothing for a file that is no private key, or has gone in the meantime.
    [[nodiscard]] std::optional<KeyInfo> listed(const std::string& name, const AskPassphrase& ask) const {
        const auto path = folder_.file(name).string();
        const auto bytes = folder_.read(name);
        const auto file = bytes ? PrivateKeyFile::find(*bytes, path) : std::nullopt;
        if(!file) {
            return std::nullopt;
        }
        const auto key = public_half(*file, ask);
        try {
            return KeyInfo{.ref = reference(name, *key),
                           .label = name.substr(0, name.rfind('.')),
                           .attributes = {{"file", path}, {"encrypted", file->is_encrypted() ? "yes" : "no"}}};
        } catch(const Error& error) {
            throw Error(error.code(), in_quotes(path) + ": " + error.message(),
                        "move the file out of the folder");
        }
    }

    void require_same(const KeyRef& ref, const Botan::Public_Key& key) const {
        const auto found = SpkiFingerprint::of(key);
        if(found != ref.fingerprint()) {
            throw Error(Errc::key_mismatch,
                        "the key file " + in_quotes(folder_.file(name_of(ref)).string()) +
                            " holds another key than the one meant: its SPKI SHA-256 is " + found.to_string(),
                        "the reference is for " + ref.fingerprint().to_string());
        }
        require_kind(ref, KeySpec::of(key));
    }

    SecretReader secrets_;
    KeyUseObserver observer_;
    KeyFolder folder_;
    BackendCapabilities capabilities_;
};

}  // namespace

BackendType file_backend() {
    return {.name = std::string(type_name),
            .title = "keys in files: PKCS#8, encrypted with a passphrase",
            .options = std::make_shared<const OptionTable>(option_table()),
            .open = [](const BackendAlias& alias,
                       std::shared_ptr<const OptionTable> table,
                       OptionValues settings,
                       const BackendContext& context) -> std::unique_ptr<KeyBackend> {
                return std::make_unique<FileBackend>(alias, std::move(table), std::move(settings), context);
            }};
}

}  // namespace keyway
